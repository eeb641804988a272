#include "strata/data/rows.h"

#include "strata/base/check.h"
#include "support/data_fixtures.h"

namespace strata::data {
namespace {

using config::RowKind;
using config::ShuffleScope;
using Documents = std::vector<std::vector<int32_t>>;

class RowsOf : public testing::Test {
 protected:
  // Shards of documents of these lengths, with ids 10, 11, 12 … over all shards, and a final 1 in each.
  void make(const std::vector<std::vector<int>>& lengths) {
    shards_.clear();
    all_.clear();
    int32_t id = 10;
    for (size_t shard = 0; shard < lengths.size(); ++shard) {
      Documents documents;
      for (const int length : lengths[shard]) {
        std::vector<int32_t> document;
        for (int i = 1; i < length; ++i) document.push_back(id++);
        document.push_back(Tokenizer::kEos);
        all_.insert(all_.end(), document.begin(), document.end());
        documents.push_back(std::move(document));
      }
      const std::string name = str("s", made_++, ".tokens");
      shards_.push_back(std::make_shared<TokenShard>(test::write_shard(folder_ / name, documents)));
    }
  }

  Rows rows(const RowOptions& options, bool across) const {
    return {options, across,
            ShardAccess{.size = std::ssize(shards_),
                        .counts = [this](int64_t shard) { return shards_[static_cast<size_t>(shard)]->counts(); },
                        .at = [this](int64_t shard) { return shards_[static_cast<size_t>(shard)]; }}};
  }

  // All rows, in order, and what is said of them is checked.
  std::vector<Row> all(Rows rows) const {
    std::vector<Row> found;
    for (int64_t shard = 0; shard < std::ssize(shards_); ++shard) {
      bool has_targets = false;
      for (int64_t row = 0; row < rows.count(shard); ++row) {
        const RowRanges ranges = rows.find({.shard = shard, .row = row});
        found.push_back(rows.read(ranges));
        int64_t tokens = 0, targets = 0;
        for (const auto& piece : found.back()) {
          tokens += std::ssize(piece);
          targets += std::ssize(piece) - 1;
        }
        EXPECT_EQ(Rows::num_tokens(ranges), tokens);
        EXPECT_EQ(rows.num_targets(ranges), targets);
        has_targets = has_targets || targets > 0;
      }
      EXPECT_EQ(rows.has_targets(shard), has_targets);
    }
    return found;
  }

  static int64_t left_out(Rows rows, int64_t shards) {
    int64_t tokens = 0;
    for (int64_t shard = 0; shard < shards; ++shard) tokens += rows.left_out(shard);
    return tokens;
  }

  static std::vector<int64_t> joined(const std::vector<Row>& rows) {
    std::vector<int64_t> ids;
    for (const Row& row : rows) {
      for (const auto& piece : row) ids.insert(ids.end(), piece.begin(), piece.end());
    }
    return ids;
  }

  const strata::test::TempFolder folder_;
  std::vector<std::shared_ptr<TokenShard>> shards_;
  std::vector<int64_t> all_;
  int made_ = 0;
};

TEST_F(RowsOf, GoAcrossShardsWherePackedRowsMay) {
  EXPECT_TRUE(goes_across_shards(RowKind::kPacked, ShuffleScope::kGlobal));
  EXPECT_TRUE(goes_across_shards(RowKind::kPacked, std::nullopt));
  EXPECT_FALSE(goes_across_shards(RowKind::kPacked, ShuffleScope::kShard));
  for (const RowKind kind : {RowKind::kDocument, RowKind::kSplit}) {
    EXPECT_FALSE(goes_across_shards(kind, ShuffleScope::kGlobal));
  }
}

// Shards that are shorter than a row, of a single token, or empty are not lost, and only the last row is shorter.
TEST_F(RowsOf, PackedLoseNoTokenAcrossShards) {
  const std::vector<std::vector<std::vector<int>>> sets{
      {{5, 9, 3}, {4}, {1}, {}, {1, 1}, {30, 2}, {6}}, {{1}, {1}}, {{8}, {8}}, {{3}, {}, {}}, {{}, {20}}, {{16, 1}}};
  for (const auto& set : sets) {
    make(set);
    for (const int64_t length : {2, 3, 7, 8, 16, 1000}) {
      for (const bool mask : {true, false}) {
        const RowOptions options{.kind = RowKind::kPacked, .sequence_length = length, .mask_documents = mask};
        const std::vector<Row> found = all(rows(options, true));
        const bool ends_alone = std::ssize(all_) % length == 1;
        std::vector<int64_t> expected = all_;
        if (ends_alone) expected.pop_back();
        EXPECT_EQ(joined(found), expected) << length;
        EXPECT_EQ(left_out(rows(options, true), std::ssize(shards_)), ends_alone ? 1 : 0);
        for (size_t i = 0; i + 1 < found.size(); ++i) EXPECT_EQ(std::ssize(joined({found[i]})), length);
        for (const Row& row : found) EXPECT_EQ(row.size() == 1, !mask || row.size() == 1);
      }
    }
  }
}

// A thousand files of a few tokens each are a few full rows.
TEST_F(RowsOf, PackedMakeFullRowsOfManyShortShards) {
  make(std::vector<std::vector<int>>(60, {5}));
  const RowOptions options{.kind = RowKind::kPacked, .sequence_length = 32};
  EXPECT_EQ(all(rows(options, true)).size(), 10U);  // 300 tokens
  EXPECT_EQ(all(rows(options, false)).size(), 60U);
}

TEST_F(RowsOf, PackedKeepDocumentsApartAcrossShards) {
  make({{3}, {2, 4}});
  const RowOptions options{.kind = RowKind::kPacked, .sequence_length = 6};
  EXPECT_EQ(all(rows(options, true)), (std::vector<Row>{{{10, 11, 1}, {12, 1}, {13}}, {{14, 15, 1}}}));
  const RowOptions open{.kind = RowKind::kPacked, .sequence_length = 6, .mask_documents = false};
  EXPECT_EQ(all(rows(open, true)), (std::vector<Row>{{{10, 11, 1, 12, 1, 13}}, {{14, 15, 1}}}));
}

TEST_F(RowsOf, PackedStayInsideAShardWhereTheyMust) {
  make({{5, 4}, {1}, {7}});
  const RowOptions options{.kind = RowKind::kPacked, .sequence_length = 4, .mask_documents = false};
  const std::vector<Row> found = all(rows(options, false));
  EXPECT_EQ(found, (std::vector<Row>{{{10, 11, 12, 13}}, {{1, 14, 15, 16}}, {{17, 18, 19, 20}}, {{21, 22, 1}}}));
  EXPECT_EQ(left_out(rows(options, false), 3), 2);  // the ends of the first two
}

// One shard has the rows that it always had.
TEST_F(RowsOf, PackedOfOneShardAreTheSameBothWays) {
  make({{5, 9, 3, 1, 17, 2, 2, 40, 1}});
  for (const int64_t length : {2, 5, 16, 80, 81}) {
    const RowOptions options{.kind = RowKind::kPacked, .sequence_length = length};
    EXPECT_EQ(all(rows(options, true)), all(rows(options, false))) << length;
  }
}

TEST_F(RowsOf, SplitCutsEachDocumentIntoRows) {
  make({{3, 9, 1, 5}, {4}});
  const RowOptions options{.kind = RowKind::kSplit, .sequence_length = 4};
  EXPECT_EQ(
      all(rows(options, false)),
      (std::vector<Row>{{{10, 11, 1}}, {{12, 13, 14, 15}}, {{16, 17, 18, 19}}, {{20, 21, 22, 23}}, {{24, 25, 26, 1}}}));
  EXPECT_EQ(left_out(rows(options, false), 2), 3);  // the ends of 9 and 5, and the document of a single token
}

TEST_F(RowsOf, SplitReachesEveryRowDirectly) {
  std::vector<int> lengths;
  for (int i = 0; i < 500; ++i) lengths.push_back(1 + i * 37 % 90);
  make({lengths});
  const RowOptions options{.kind = RowKind::kSplit, .sequence_length = 8};
  const std::vector<Row> found = all(rows(options, false));
  Rows fresh = rows(options, false);
  ASSERT_EQ(fresh.count(0), std::ssize(found));
  for (int64_t row = fresh.count(0) - 1; row >= 0; row -= 7) {
    EXPECT_EQ(fresh.read(fresh.find({.shard = 0, .row = row})), found[static_cast<size_t>(row)]);
  }
  EXPECT_EQ(std::ssize(joined(found)) + fresh.left_out(0), std::ssize(all_));
  for (const Row& row : found) {
    EXPECT_EQ(std::ranges::count(row.front().begin(), row.front().end() - 1, Tokenizer::kEos), 0);  // of one document
    EXPECT_LE(row.front().size(), 8U);
  }
}

TEST_F(RowsOf, DocumentsAreCutWithAFinalEnd) {
  make({{3, 9}, {1}});
  const RowOptions options{.kind = RowKind::kDocument, .sequence_length = 4};
  EXPECT_EQ(all(rows(options, false)), (std::vector<Row>{{{10, 11, 1}}, {{12, 13, 14, 1}}, {{1}}}));
  EXPECT_EQ(left_out(rows(options, false), 2), 5);
}

}  // namespace
}  // namespace strata::data
