#include "strata/data/token_shard.h"

#include <xxhash.h>

#include "strata/base/check.h"
#include "support/data_fixtures.h"

namespace strata::data {
namespace {

using strata::test::read_file;
using strata::test::TempFolder;
using strata::test::write_file;
using test::error_of;

using Documents = std::vector<std::vector<int32_t>>;

class TokenShards : public testing::TestWithParam<int64_t> {};

// Both widths of ids, and counts that end on and off the alignment.
TEST_P(TokenShards, GiveBackWhatWasWritten) {
  const int64_t vocab = GetParam();
  for (int count = 0; count < 9; ++count) {
    const TempFolder folder;
    Documents documents;
    for (int d = 0; d < count; ++d) {
      documents.emplace_back(static_cast<size_t>(1 + d * d), static_cast<int32_t>(vocab - 1 - d));
      documents.back().back() = 1;
    }
    TokenShardWriter writer(folder / "a.tokens", 77, vocab);
    for (const auto& document : documents) writer.add(document);
    writer.commit();

    const TokenShard shard(folder / "a.tokens");
    EXPECT_EQ(shard.tokenizer_fingerprint(), 77U);
    EXPECT_EQ(shard.vocab_size(), vocab);
    ASSERT_EQ(shard.num_documents(), count);
    int64_t position = 0;
    for (int64_t d = 0; d < count; ++d) {
      const auto& written = documents[static_cast<size_t>(d)];
      EXPECT_EQ(shard.document(d), std::vector<int64_t>(written.begin(), written.end()));
      for (size_t i = 0; i < written.size(); ++i) EXPECT_EQ(shard.document_at(position++), d);
    }
    EXPECT_EQ(shard.num_tokens(), position);
  }
}
INSTANTIATE_TEST_SUITE_P(Widths, TokenShards, testing::Values(65'536, 65'537, 250'000));

TEST(TokenShard, NothingRemainsOfAnUnfinishedOne) {
  const TempFolder folder;
  {
    TokenShardWriter writer(folder / "a.tokens", 1, 100);
    writer.add(std::vector<int32_t>{5, 1});
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(TokenShard, EveryDamagedByteAndEveryCutIsFound) {
  const TempFolder folder;
  const auto path = test::write_shard(folder / "a.tokens", {{5, 6, 7, 1}, {8, 1}, {1}});
  const std::string whole = read_file(path);
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] ^= 4;
    write_file(path, damaged);
    EXPECT_THAT(error_of([&] { TokenShard{path}; }), testing::HasSubstr("a.tokens: ")) << "byte " << i;
    write_file(path, whole.substr(0, i));
    EXPECT_THAT(error_of([&] { TokenShard{path}; }), testing::HasSubstr("a.tokens: ")) << "cut at " << i;
  }
  write_file(path, whole + std::string(8, '\0'));
  EXPECT_THAT(error_of([&] { TokenShard{path}; }), testing::HasSubstr("cut or damaged"));
}

// A shard of documents {1, 2} and {3}, put together as the format's description has it, each part open to change.
struct Parts {
  uint32_t version = 1;
  uint32_t id_width = 2;
  std::vector<uint16_t> ids{1, 2, 3};
  uint16_t padding = 0;
  std::vector<uint64_t> offsets{0, 2, 3};
  uint64_t vocab_size = 4;
  uint64_t documents = 2;
  uint64_t num_ids = 3;

  std::string file() const {
    std::string bytes = "STRATOKS";
    const auto add = [&](const auto& value) { bytes.append(reinterpret_cast<const char*>(&value), sizeof value); };
    add(version);
    add(id_width);
    for (const uint16_t id : ids) add(id);
    add(padding);
    for (const uint64_t offset : offsets) add(offset);
    for (const uint64_t field : {uint64_t{77}, vocab_size, documents, num_ids}) add(field);
    add(XXH3_64bits(bytes.data(), bytes.size()));
    return bytes;
  }
};

struct Faulty {
  Parts parts;
  std::string message;
};

std::vector<Faulty> faulty_shards() {
  const std::string contradiction = "its fields contradict each other";
  return {
      {{.version = 2}, "token shard of version 2, not 1"},
      {{.id_width = 4}, contradiction},
      {{.id_width = 0}, contradiction},
      {{.ids = {1, 2, 4}}, "an id beyond its vocabulary of 4"},
      {{.padding = 1}, contradiction},
      {{.offsets = {0, 0, 3}}, contradiction},
      {{.offsets = {1, 2, 3}}, contradiction},
      {{.offsets = {0, 4, 3}}, contradiction},
      {{.offsets = {0, 2, 4}}, contradiction},
      {{.offsets = {0, ~uint64_t{0}, 3}}, contradiction},
      {{.vocab_size = 0}, contradiction},
      {{.vocab_size = ~uint64_t{0}}, contradiction},
      {{.documents = 1}, contradiction},
      {{.documents = ~uint64_t{0}}, contradiction},
      {{.num_ids = 4}, contradiction},
      {{.num_ids = uint64_t{1} << 63}, contradiction},
  };
}

TEST(TokenShard, WhatItsChecksumCoversIsCheckedToo) {
  const TempFolder folder;
  const auto path = folder / "a.tokens";
  write_file(path, Parts().file());
  EXPECT_EQ(TokenShard(path).document(0), (std::vector<int64_t>{1, 2}));
  for (const Faulty& faulty : faulty_shards()) {
    write_file(path, faulty.parts.file());
    EXPECT_THAT(error_of([&] { TokenShard{path}; }), testing::HasSubstr("a.tokens: " + faulty.message));
  }
}

}  // namespace
}  // namespace strata::data
