// The subcommands of the data module, as a user runs them.
#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "support/data_fixtures.h"
#include "support/places.h"
#include "support/program.h"
#include "support/test_data.h"

namespace strata::data {
namespace {

using nlohmann::json;
using strata::test::Finished;
using strata::test::run_strata;
using strata::test::TempFolder;
using strata::test::write_file;
using testing::HasSubstr;

Finished run_with_input(const std::string& command, const std::string& tokenizer, const std::filesystem::path& input) {
  return strata::test::run_program({"/bin/sh", "-c", "exec \"$0\" \"$1\" --tokenizer \"$2\" < \"$3\"",
                                    strata::test::strata_program(), command, tokenizer, input.string()});
}

class Commands : public testing::Test {
 protected:
  Commands() {
    test::made_up_source(folder_.path(), "c.json.gz", 0, 2'000);
    write_file(folder_ / "d.txt", test::made_up_text(5'000, 3'000));
  }

  TempFolder folder_;
};

TEST_F(Commands, TrainTokenizerReadsFilesOfAllKinds) {
  const std::string model = folder_ / "a.model";
  const auto done = run_strata({"train-tokenizer", "--input", folder_ / "c.json.gz", folder_ / "d.txt", "--vocab-size",
                                "150", "--output", model});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(Tokenizer(model).vocab_size(), 150);
}

TEST_F(Commands, EncodeAndDecodeAreInverse) {
  const std::string model = test::small_model();
  const std::string texts =
      json("bado fegi").dump() + "\n" + json("").dump() + "\n" + json("kulo\nkulo </s> \u00e9").dump() + "\n";
  write_file(folder_ / "texts", texts);
  const auto encoded = run_with_input("encode", model, folder_ / "texts");
  ASSERT_EQ(encoded.exit_code, 0) << encoded.err;
  const Tokenizer expected(model);
  EXPECT_EQ(encoded.out, json(expected.encode_document("bado fegi")).dump() + "\n[1]\n" +
                             json(expected.encode_document("kulo\nkulo </s> \u00e9")).dump() + "\n");
  write_file(folder_ / "ids", encoded.out.substr(0, encoded.out.find('\n') + 1));
  EXPECT_EQ(run_with_input("decode", model, folder_ / "ids").out, "\"bado fegi\"\n");
}

TEST_F(Commands, BadLinesOfInputAreNamed) {
  const std::string model = test::small_model();
  write_file(folder_ / "texts", "\"fine\"\nnot json\n");
  const auto encoded = run_with_input("encode", model, folder_ / "texts");
  EXPECT_EQ(encoded.exit_code, 1);
  EXPECT_THAT(encoded.err, HasSubstr("stdin:2: "));
  write_file(folder_ / "ids", "[1, 200]\n");
  const auto decoded = run_with_input("decode", model, folder_ / "ids");
  EXPECT_EQ(decoded.exit_code, 1);
  EXPECT_THAT(decoded.err, HasSubstr("stdin:1: 200 is no id from 0 to 199"));
}

TEST_F(Commands, TokenizeMakesWhatTrainingFinds) {
  const std::string model = test::small_model();
  const std::string cache = folder_ / "cache";
  const std::vector<std::string> command{"tokenize", "--tokenizer", model, "--cache",
                                         cache,      "--threads",   "2",   folder_ / "c.json.gz"};
  const auto first = run_strata(command);
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.err, HasSubstr("2,000 documents"));
  const ShardCache there(cache, std::make_shared<const Tokenizer>(model), {});
  EXPECT_EQ(TokenShard(there.path_of({"c.json.gz", {folder_ / "c.json.gz"}})).num_documents(), 2'000);
  EXPECT_THAT(run_strata(command).err, HasSubstr("(was there)"));
}

struct BadUse {
  std::vector<std::string> command;
  int exit_code;
  const char* message;
};

// One clear line, and the exit code that says whose fault it is.
TEST_F(Commands, WhatIsWrongIsSaidInOneLine) {
  const std::string model = test::small_model();
  const std::string cache = folder_ / "cache";
  const std::string none = folder_ / "none.model";
  write_file(folder_ / "bad.json", "{\"text\": 1}\n");
  const std::vector<BadUse> cases{
      {{"tokenize", "--tokenizer", model, "--cache", cache, "no_such.*"}, 2, "no file matches \"no_such.*\""},
      {{"tokenize", "--tokenizer", none, "--cache", cache, folder_ / "c.json.gz"}, 2, "none.model"},
      {{"tokenize", "--tokenizer", model, "--cache", cache, folder_ / "bad.json"},
       1,
       "bad.json:1: the field \"text\" is not a string"},
      {{"tokenize", "--tokenizer", model, "--cache", "/proc/cache", folder_ / "c.json.gz"},
       1,
       "cannot make the cache folder /proc/cache"},
      {{"train-tokenizer", "--input", folder_ / "d.txt", "--vocab-size", "90000", "--output", none},
       1,
       "cannot train a tokenizer of 90000"},
      {{"train-tokenizer", "--input", folder_ / "d.txt", "--vocab-size", "150", "--output", "/proc/a.model"},
       1,
       "/proc/a.model"},
      {{"train-tokenizer", "--input", folder_ / "none.txt", "--output", none}, 2, "no file matches"},
      {{"encode", "--tokenizer", none}, 2, "none.model"},
      {{"encode"}, 2, "--tokenizer is required"},
  };
  for (const auto& bad : cases) {
    const auto done = run_strata(bad.command);
    EXPECT_EQ(done.exit_code, bad.exit_code) << bad.message;
    EXPECT_THAT(done.err, HasSubstr(bad.message));
    EXPECT_TRUE(done.out.empty()) << done.out;
  }
  EXPECT_FALSE(std::filesystem::exists(none));
}

}  // namespace
}  // namespace strata::data
