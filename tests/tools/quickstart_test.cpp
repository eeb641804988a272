// `strata quickstart`: its corpus, from a program `bible` that stands in for Debian's; all of it on few steps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "strata/base/check.h"
#include "strata/io/lines.h"
#include "support/environment.h"
#include "support/program.h"
#include "support/temp_folder.h"

namespace strata::test {
namespace {

using testing::HasSubstr;

class Quickstart : public testing::Test {
 protected:
  Quickstart() { environment_.set("PATH", folder_.path().string() + ":/usr/bin:/bin"); }

  // chapters: their number; every one has two verses.
  void stand_in(int chapters, const std::string& last_line = "") {
    write_file(folder_ / "bible",
               str("#!/bin/sh\nfor c in $(seq ", chapters,
                   "); do echo \"1Sa$c:1 c$c: one\"; echo \"1Sa$c:2 two\"; done\necho \"", last_line, "\"\n"));
    std::filesystem::permissions(folder_ / "bible", std::filesystem::perms::owner_all);
  }

  Finished make_corpus() {
    return run_strata({"quickstart", "--corpus-only", "--folder", (folder_ / "made").string()});
  }

  std::vector<std::string> documents(const std::string& file) const {
    io::LineReader lines(folder_ / "made/data/demo" / file, 1 << 20);
    std::vector<std::string> found;
    for (std::string line; lines.next(line);) found.push_back(line);
    return found;
  }

  const TempFolder folder_;
  Environment environment_;
};

TEST_F(Quickstart, CorpusHasADocumentForEachChapter) {
  stand_in(1189);
  const Finished made = make_corpus();
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const auto first = documents("demo-train.00000-of-00002.json.gz");
  const auto second = documents("demo-train.00001-of-00002.json.gz");
  const auto validation = documents("demo-validation.00000-of-00001.json.gz");
  EXPECT_EQ(std::vector({first.size(), second.size(), validation.size()}), std::vector<size_t>({565, 565, 59}));
  EXPECT_EQ(first[0], R"({"text":"c1: one\ntwo","url":"debian:bible-kjv/1Sa1"})");
  EXPECT_THAT(second[0], HasSubstr("c2: one"));
  EXPECT_THAT(validation[0], HasSubstr("c11: one"));
  std::set<std::string> all(first.begin(), first.end());
  all.insert(second.begin(), second.end());
  all.insert(validation.begin(), validation.end());
  EXPECT_EQ(all.size(), 1189);
  EXPECT_THAT(make_corpus().out, HasSubstr("is there"));
}

TEST_F(Quickstart, StrangeTextIsNoCorpus) {
  stand_in(3);
  Finished made = make_corpus();
  EXPECT_EQ(made.exit_code, kFailed);
  EXPECT_THAT(made.err, HasSubstr("printed 3 chapters where the King James Bible has 1189"));
  stand_in(1189, "In the beginning");
  made = make_corpus();
  EXPECT_THAT(made.err, HasSubstr("printed what is no verse: In the beginning"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "made/data/demo"));
  std::filesystem::remove(folder_ / "bible");
  environment_.set("PATH", folder_.path().string());
  EXPECT_THAT(make_corpus().err, HasSubstr("scripts/install.sh --demo installs it"));
}

}  // namespace
}  // namespace strata::test
