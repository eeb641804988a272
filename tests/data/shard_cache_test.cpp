#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "strata/base/check.h"
#include "strata/data/shard_set.h"
#include "strata/io/file_lock.h"
#include "support/bad_server.h"
#include "support/data_fixtures.h"

namespace strata::data {
namespace {

using strata::test::TempFolder;
using test::error_of;
using Outcome = ShardCache::Outcome;

std::shared_ptr<const ShardCache> cache_in(const std::filesystem::path& folder,
                                           TokenizeOptions options = {.threads = 2}) {
  return std::make_shared<const ShardCache>(folder, test::small_tokenizer(), options);
}

std::vector<Source> three_sources(const TempFolder& folder) {
  return {test::made_up_source(folder.path(), "a.json.gz", 0, 300),
          test::made_up_source(folder.path(), "b.json.gz", 300, 350),
          test::made_up_source(folder.path(), "c.json.gz", 350, 400)};
}

TEST(ShardCache, MakesAShardOnceAndAgainWhenItsSourceChanges) {
  const TempFolder folder;
  const Source source = test::made_up_source(folder.path(), "a.json", 0, 50);
  const auto cache = cache_in(folder / "cache");
  EXPECT_EQ(cache->make(source), Outcome::kMade);
  EXPECT_EQ(cache->make(source), Outcome::kThere);
  EXPECT_EQ(cache_in(folder / "cache")->make(source), Outcome::kThere);

  const auto old_path = cache->path_of(source);
  EXPECT_NE(cache_in(folder / "cache", {.reading = {.skip_bad = true}})->path_of(source), old_path);
  test::made_up_source(folder.path(), "a.json", 0, 60);
  EXPECT_NE(cache->path_of(source), old_path);
  EXPECT_EQ(cache->make(source), Outcome::kMade);
  EXPECT_EQ(TokenShard(cache->path_of(source)).num_documents(), 60);

  const auto now = std::filesystem::last_write_time(folder / "a.json");
  const auto path = cache->path_of(source);
  std::filesystem::last_write_time(folder / "a.json", now + std::chrono::seconds(1));
  EXPECT_NE(cache->path_of(source), path);
}

TEST(ShardCache, DoesNotWaitForTheOneWhoMakesIt) {
  const TempFolder folder;
  const Source source = test::made_up_source(folder.path(), "a.json", 0, 50);
  const auto cache = cache_in(folder / "cache");
  {
    const auto lock = io::FileLock::try_lock(folder.path() / "cache/locks" / cache->path_of(source).filename());
    ASSERT_TRUE(lock);
    EXPECT_EQ(cache->make(source), Outcome::kBusy);
  }
  EXPECT_EQ(cache->make(source), Outcome::kMade);
}

TEST(ShardCache, ClearsWhatAKilledProcessLeft) {
  const TempFolder folder;
  const Source source = test::made_up_source(folder.path(), "a.json", 0, 50);
  const auto cache = cache_in(folder / "cache");
  const std::string leftover = cache->path_of(source).string() + ".tmp-1-0";
  const std::string of_another = (folder / "cache/b.tokens.tmp-1-0").string();
  for (const auto& path : {leftover, of_another}) strata::test::write_file(path, "half");
  EXPECT_EQ(cache->make(source), Outcome::kMade);
  EXPECT_FALSE(std::filesystem::exists(leftover));
  EXPECT_TRUE(std::filesystem::exists(of_another));
}

TEST(ShardCache, SaysWhatItCannotDo) {
  const TempFolder folder;
  strata::test::write_file(folder / "file", "");
  EXPECT_THAT(error_of([&] { cache_in(folder / "file/cache"); }), testing::HasSubstr("cannot make the cache folder"));
  EXPECT_THAT(error_of([&] {
                cache_in(folder / "cache")->make({"gone", {folder / "gone.json"}});
              }),
              testing::HasSubstr("gone.json"));
}

TEST(ShardSet, GivesShardsInAnyOrder) {
  const TempFolder folder;
  ShardSet shards(three_sources(folder), cache_in(folder / "cache"), {2, 0, 1});
  EXPECT_EQ(shards.at(1)->num_documents(), 50);
  EXPECT_EQ(shards.at(0)->num_documents(), 300);
  EXPECT_EQ(shards.at(2)->num_documents(), 50);
}

TEST(ShardSet, TellsEveryoneWhoWaitsWhatWentWrong) {
  const TempFolder folder;
  auto sources = three_sources(folder);
  std::ofstream(folder / "b.json.gz", std::ios::app) << "garbage";
  ShardSet shards(sources, cache_in(folder / "cache"), {0, 1, 2});
  std::jthread other([&] { EXPECT_THAT(error_of([&] { shards.at(1); }), testing::HasSubstr("b.json.gz:51")); });
  EXPECT_THAT(error_of([&] { shards.at(1); }), testing::HasSubstr("b.json.gz:51: corrupt gzip"));
}

TEST(ShardSet, RefusesADamagedShard) {
  const TempFolder folder;
  const auto sources = three_sources(folder);
  const auto cache = cache_in(folder / "cache");
  cache->make(sources[0]);
  std::ofstream(cache->path_of(sources[0]), std::ios::app) << "x";
  ShardSet shards(sources, cache, {0, 1, 2});
  EXPECT_THAT(error_of([&] { shards.at(0); }), testing::HasSubstr("cut or damaged"));
}

TEST(ShardSet, ClosingEndsAWaitForAnother) {
  const TempFolder folder;
  const auto sources = three_sources(folder);
  const auto cache = cache_in(folder / "cache");
  std::filesystem::create_directories(folder / "cache/locks");
  const auto lock = io::FileLock::try_lock(folder / "cache/locks" / cache->path_of(sources[1]).filename().string());
  ShardSet shards(sources, cache, {0, 1, 2});
  EXPECT_EQ(shards.at(2)->num_documents(), 50);
  std::jthread waiting([&] { EXPECT_THAT(error_of([&] { shards.at(1); }), testing::HasSubstr("closed")); });
  shards.close();
}

// Every server trouble at once, and nothing of the downloads remains.
TEST(ShardSet, ReadsShardsFromAServerThatFails) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "root");
  test::made_up_source(folder / "root", "c.0.json.gz", 0, 300);
  test::made_up_source(folder / "root", "c.1.json.gz", 300, 400);
  const strata::test::BadServer server(folder / "root");
  const auto sources =
      find_sources({server.url("cut", "c.{0..1}.json.gz"), server.url("gone", "c.2.json")}, "data.train");
  ASSERT_EQ(sources.size(), 3U);
  const auto cache = cache_in(folder / "cache");
  ShardSet shards(sources, cache, {1, 0, 2});
  EXPECT_EQ(shards.at(1)->num_documents(), 100);
  EXPECT_EQ(shards.at(0)->num_documents(), 300);
  EXPECT_THAT(error_of([&] { shards.at(2); }), testing::HasSubstr("/gone/c.2.json: the server answered 404"));
  EXPECT_TRUE(std::filesystem::is_empty(folder / "cache/downloads"));
}

TEST(ShardSet, MakesOnlyAFewShardsAhead) {
  const TempFolder folder;
  std::vector<Source> sources;
  std::vector<int64_t> order;
  for (int i = 0; i < 8; ++i) {
    sources.push_back(test::made_up_source(folder.path(), str(i, ".json"), i, i + 1));
    order.push_back(i);
  }
  const auto cache = cache_in(folder / "cache");
  {
    ShardSet shards(sources, cache, order);
    shards.at(7);  // waited for: comes before those ahead
    shards.at(0);
  }
  int64_t made = 0;
  for (const Source& source : sources) made += std::filesystem::exists(cache->path_of(source)) ? 1 : 0;
  EXPECT_LE(made, 2 + 2 + 1);  // asked for, ahead, and the one that was in the making
}

TEST(LocalCopy, OfATokenizerOnAServerIsDownloadedOnce) {
  const TempFolder folder;
  strata::test::write_file(folder / "a.model", "a model");
  const strata::test::BadServer server(folder.path());
  const auto path = local_copy(server.url("good", "a.model"), folder / "cache");
  EXPECT_EQ(strata::test::read_file(path), "a model");
  EXPECT_EQ(local_copy(server.url("good", "a.model"), folder / "cache"), path);
  EXPECT_EQ(server.requests().size(), 1U);
  EXPECT_EQ(local_copy("some/a.model", folder / "cache"), "some/a.model");
}

// Four processes start on an empty cache at once: all of them read the same whole shards, each made once.
TEST(ShardCache, IsSharedByProcesses) {
  const TempFolder folder;
  const auto sources = three_sources(folder);
  test::small_tokenizer();
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      int64_t documents = 0;
      try {
        ShardSet shards(sources, cache_in(folder / "cache"), {0, 1, 2});
        for (int64_t k = 0; k < 3; ++k) documents += shards.at(k)->num_documents();
      } catch (const std::exception&) {
      }
      _exit(documents == 400 ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "cache")) files += entry.is_regular_file();
  EXPECT_EQ(files, 3);
}

}  // namespace
}  // namespace strata::data
