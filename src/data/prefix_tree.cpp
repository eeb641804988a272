#include "strata/data/prefix_tree.h"

#include <algorithm>
#include <numeric>

#include "strata/base/check.h"
#include "to_tensor.h"

namespace strata::data {
namespace {

// Rows as they are added: all of a row but what it has in common with the one before it.
class TreeBuilder {
 public:
  TreeBuilder(size_t rows, bool shares) : ends_(rows), shares_(shares) {}

  // `index`: of the row among those that were asked for.
  void add(const ScoredRow& row, size_t index) {
    const int64_t common = shares_ ? common_prefix(row.ids, path_ids_) : 0;
    const int32_t parent = common > 0 ? path_rows_[static_cast<size_t>(common - 1)] : -1;
    path_ids_.assign(row.ids.begin(), row.ids.end());
    path_.resize(static_cast<size_t>(common));
    path_rows_.resize(static_cast<size_t>(common));
    const auto own_row = static_cast<int32_t>(parents_.size());
    for (size_t t = path_.size(); t < row.ids.size(); ++t) {
      path_.push_back(static_cast<int64_t>(tokens_.size()));
      path_rows_.push_back(own_row);
      tokens_.push_back(row.ids[t]);
      positions_.push_back(static_cast<int32_t>(t));
    }
    if (std::ssize(row.ids) > common) end_row(parent, static_cast<int32_t>(common));
    longest_ = std::max(longest_, std::ssize(row.ids));
    ends_[index].assign(path_.end() - std::ssize(row.targets), path_.end());
  }

  TokenBatch batch(std::span<const ScoredRow> rows) const {
    std::vector<int64_t> scored, targets;
    for (size_t row = 0; row < rows.size(); ++row) {
      scored.insert(scored.end(), ends_[row].begin(), ends_[row].end());
      targets.insert(targets.end(), rows[row].targets.begin(), rows[row].targets.end());
    }
    TokenBatch batch{.tokens_N = to_tensor(tokens_, at::kLong),
                     .positions_N = to_tensor(positions_, at::kInt),
                     .row_starts_R1 = to_tensor(starts_, at::kInt),
                     .loss_positions_T = to_tensor(scored, at::kLong),
                     .targets_T = to_tensor(targets, at::kLong),
                     .by_id_N = to_tensor<int64_t>({}, at::kLong),
                     .row_starts = starts_,
                     .longest_row = longest_,
                     .targets = std::ssize(targets)};
    if (shares_) {
      batch.row_parents = parents_;
      batch.row_offsets = offsets_;
    }
    return batch;
  }

 private:
  void end_row(int32_t parent, int32_t offset) {
    starts_.push_back(static_cast<int32_t>(tokens_.size()));
    parents_.push_back(parent);
    offsets_.push_back(offset);
  }

  std::vector<int64_t> tokens_;
  std::vector<int32_t> positions_, starts_{0}, parents_, offsets_;
  std::vector<int32_t> path_ids_;           // of the row added last
  std::vector<int64_t> path_;               // where its tokens lie
  std::vector<int32_t> path_rows_;          // and in which rows
  std::vector<std::vector<int64_t>> ends_;  // the scored positions of each row
  int64_t longest_ = 0;
  bool shares_;
};

void check(std::span<const ScoredRow> rows, int64_t vocab) {
  STRATA_CHECK(!rows.empty(), "a batch needs at least one row");
  for (const ScoredRow& row : rows) {
    STRATA_CHECK(!row.ids.empty(), "a row is empty");
    STRATA_ASSERT(row.targets.size() <= row.ids.size());
    for (const auto& ids : {row.ids, row.targets}) {
      for (const int32_t id : ids) {
        STRATA_CHECK(id >= 0 && id < vocab, "id ", id, " is outside the vocabulary of ", vocab);
      }
    }
  }
}

}  // namespace

int64_t common_prefix(std::span<const int32_t> a, std::span<const int32_t> b) {
  return std::ranges::mismatch(a, b).in1 - a.begin();
}

TokenBatch prefix_tree(std::span<const ScoredRow> rows, int64_t vocab) {
  check(rows, vocab);
  std::vector<size_t> sorted(rows.size());
  std::iota(sorted.begin(), sorted.end(), size_t{0});
  std::ranges::stable_sort(sorted, {}, [&](size_t row) -> const std::vector<int32_t>& { return rows[row].ids; });
  TreeBuilder tree(rows.size(), true);
  for (const size_t row : sorted) tree.add(rows[row], row);
  return tree.batch(rows);
}

TokenBatch separate_rows(std::span<const ScoredRow> rows, int64_t vocab) {
  check(rows, vocab);
  TreeBuilder all(rows.size(), false);
  for (size_t row = 0; row < rows.size(); ++row) all.add(rows[row], row);
  return all.batch(rows);
}

}  // namespace strata::data
