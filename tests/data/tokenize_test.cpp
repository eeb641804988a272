#include "strata/data/tokenize.h"

#include <fstream>
#include <numeric>

#include "strata/base/check.h"
#include "strata/data/token_shard.h"
#include "support/data_fixtures.h"

namespace strata::data {
namespace {

using strata::test::read_file;
using strata::test::TempFolder;
using test::error_of;

TEST(Tokenize, KeepsTheOrderWhateverTheNumberOfThreads) {
  const TempFolder folder;
  const Source source = test::made_up_source(folder.path(), "c.json.gz", 0, 6'000);
  const auto tokenizer = test::small_tokenizer();
  int64_t reported = 0;
  TokenizeOptions options{.threads = 1, .progress = [&](const TokenizeCounts& counts) {
                            EXPECT_GT(counts.documents, reported);
                            reported = counts.documents;
                          }};
  const auto counts = tokenize(source, *tokenizer, options, folder / "one.tokens");
  EXPECT_EQ(reported, 6'000);
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->documents, 6'000);

  options = {.threads = 5, .progress = {}};
  tokenize(source, *tokenizer, options, folder / "five.tokens");
  EXPECT_EQ(read_file(folder / "one.tokens"), read_file(folder / "five.tokens"));

  const TokenShard shard(folder / "five.tokens");
  EXPECT_EQ(shard.num_tokens(), counts->tokens);
  EXPECT_EQ(shard.tokenizer_fingerprint(), tokenizer->fingerprint());
  for (const int number : {0, 1, 3'777, 5'999}) {
    const auto ids = tokenizer->encode_document(test::made_up_text(number, 1 + number % 60));
    EXPECT_EQ(shard.document(number), std::vector<int64_t>(ids.begin(), ids.end()));
  }
}

// All threads must end, and nothing be written, when one of them meets a bad line.
TEST(Tokenize, ABadLineStopsAllThreads) {
  const TempFolder folder;
  const Source source = test::made_up_source(folder.path(), "c.json", 0, 6'000);
  std::ofstream(folder / "c.json", std::ios::app) << "{\"text\": \n";
  EXPECT_THAT(error_of([&] { tokenize(source, *test::small_tokenizer(), {.threads = 4}, folder / "a.tokens"); }),
              testing::HasSubstr("c.json:6001: broken JSON"));
  EXPECT_FALSE(std::filesystem::exists(folder / "a.tokens"));

  const auto counts =
      tokenize(source, *test::small_tokenizer(), {.threads = 4, .reading = {.skip_bad = true}}, folder / "a.tokens");
  EXPECT_EQ(counts->documents, 6'000);
  EXPECT_EQ(counts->bad_documents, 1);
}

TEST(Tokenize, WritesNothingWhenStopped) {
  const TempFolder folder;
  const Source source = test::made_up_source(folder.path(), "c.json", 0, 6'000);
  std::stop_source stop;
  const TokenizeOptions options{.threads = 2, .progress = [&](const TokenizeCounts&) { stop.request_stop(); }};
  EXPECT_EQ(tokenize(source, *test::small_tokenizer(), options, folder / "a.tokens", stop.get_token()), std::nullopt);
  EXPECT_FALSE(std::filesystem::exists(folder / "a.tokens"));
}

}  // namespace
}  // namespace strata::data
