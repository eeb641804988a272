// data.train and data.tokenizer on Hugging Face's hub.
#include "strata/base/check.h"
#include "strata/data/shard_cache.h"
#include "strata/data/source.h"
#include "support/bad_server.h"
#include "support/data_fixtures.h"
#include "support/environment.h"

namespace strata::data {
namespace {

namespace fs = std::filesystem;
using strata::test::BadServer;
using strata::test::Environment;
using strata::test::read_file;
using strata::test::TempFolder;
using strata::test::write_file;
using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class HubData : public testing::Test {
 protected:
  HubData() {
    for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH"}) environment_.unset(name);
    environment_.set("HF_HOME", folder_ / "home");
    const fs::path top = root_ / "datasets/o/n";
    for (const char* folder : {"data/en", "data/de", ".git"}) fs::create_directories(top / folder);
    for (int i = 0; i < 3; ++i)
      test::made_up_source(top / "data/en", str("t-0000", i, ".json.gz"), 10 * i, 10 * i + 10);
    for (const char* name : {"README.md", "data/de/a.jsonl", ".git/x.jsonl", "data/.hidden.jsonl"}) {
      write_file(top / name, "{\"text\": \"x\"}\n");
    }
    fs::create_directories(root_ / "models/o/t");
    write_file(root_ / "models/o/t/a.model", "a model");
    server_ = std::make_unique<BadServer>(root_, "hub_server.py");
    environment_.set("HF_ENDPOINT", server_->origin());
  }

  static std::vector<std::string> urls(const std::string& pattern) {
    std::vector<std::string> found;
    for (const Source& source : find_sources({pattern}, "data.train")) {
      EXPECT_EQ(source.name, fs::path(source.url).filename().string());
      found.push_back(source.url);
    }
    return found;
  }

  TempFolder folder_;
  fs::path root_ = folder_ / "root";
  Environment environment_;
  std::unique_ptr<BadServer> server_;
};

TEST_F(HubData, RangesAndNamesAskNobody) {
  const std::string en = "hf://datasets/o/n/data/en/t-0000";
  EXPECT_THAT(urls(en + "{0..1}.json.gz"), ElementsAre(en + "0.json.gz", en + "1.json.gz"));
  EXPECT_THAT(server_->requests(), IsEmpty());
}

TEST_F(HubData, PatternsAndFoldersAreThoseOfTheListing) {
  const std::string top = "hf://datasets/o/n/data/";
  const std::string en = top + "en/t-0000";
  EXPECT_THAT(urls(top + "en/*.json.gz"), ElementsAre(en + "0.json.gz", en + "1.json.gz", en + "2.json.gz"));
  EXPECT_THAT(urls(top + "en/t-0000[12].*"), ElementsAre(en + "1.json.gz", en + "2.json.gz"));
  EXPECT_THAT(urls(top + "*/*.jsonl"), ElementsAre(top + "de/a.jsonl"));
  EXPECT_THAT(urls("hf://datasets/o/n/**/*.jsonl"), ElementsAre(top + "de/a.jsonl"));
  EXPECT_THAT(urls("hf://datasets/o/n@v1/data/**/t-00002*"),
              ElementsAre("hf://datasets/o/n@v1/data/en/t-00002.json.gz"));
  testing::internal::CaptureStderr();
  EXPECT_THAT(urls("hf://datasets/o/n"),
              ElementsAre(top + "de/a.jsonl", en + "0.json.gz", en + "1.json.gz", en + "2.json.gz"));
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("warning: hf://datasets/o/n: passed over 1 file that is none of .json .jsonl"));
}

TEST_F(HubData, WhatIsNotThereIsNamed) {
  const auto error = [](const std::string& pattern) { return error_of([&] { urls(pattern); }); };
  EXPECT_THAT(error("hf://datasets/o/n/data/*.parquet"),
              HasSubstr("data.train: no file on the hub matches \"hf://datasets/o/n/data/*.parquet\""));
  EXPECT_THAT(error("hf://datasets/o/n/README.*"), HasSubstr("README.md is none of .json .jsonl"));
  EXPECT_THAT(error("hf://datasets/o/n/none/*.json"),
              HasSubstr("cannot list hf://datasets/o/n/none: the server answered 404"));
  EXPECT_THAT(error("hf://datasets/o"), HasSubstr("data.train: \"hf://datasets/o\" names no repository"));
}

TEST_F(HubData, BecomesShardsAsOtherUrls) {
  const auto sources = find_sources({"hf://datasets/o/n/data/en/*"}, "data.train");
  const ShardCache cache(folder_ / "cache", test::small_tokenizer(), {});
  for (const Source& source : sources) EXPECT_EQ(cache.make_or_wait(source), ShardCache::Outcome::kMade);
  EXPECT_EQ(cache.open(sources[2])->num_documents(), 10);
  const ShardCache local(folder_ / "cache", test::small_tokenizer(), {});
  const Source file{"t", {root_ / "datasets/o/n/data/en/t-00001.json.gz"}};
  EXPECT_EQ(local.make_or_wait(file), ShardCache::Outcome::kMade);
  EXPECT_TRUE(read_file(cache.path_of(sources[1])) == read_file(local.path_of(file)));
  EXPECT_TRUE(fs::is_empty(folder_ / "cache/downloads"));
}

TEST_F(HubData, TokenizersAreDownloadedOnce) {
  const auto path = local_copy("hf://o/t/a.model", folder_ / "cache");
  EXPECT_EQ(read_file(path), "a model");
  EXPECT_EQ(local_copy("hf://o/t/a.model", folder_ / "cache"), path);
  EXPECT_EQ(server_->requests().size(), 1U);
}

}  // namespace
}  // namespace strata::data
