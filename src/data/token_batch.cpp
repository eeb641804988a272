#include "strata/data/token_batch.h"

#include <algorithm>
#include <numeric>

#include "strata/base/check.h"
#include "to_tensor.h"

namespace strata::data {
namespace {

void check_id(int64_t id, int64_t vocab, const char* what, size_t row, size_t position) {
  STRATA_CHECK(id >= 0 && id < vocab, what, " ", id, " at row ", row, ", position ", position,
               " is outside the vocabulary of ", vocab);
}

// What from_rows gathers, position by position.
struct Positions {
  std::vector<int64_t> tokens, targets, scored;
  std::vector<int32_t> positions, starts{0};
  int64_t num_targets = 0;

  void add(int64_t token, int64_t target, int32_t position, bool scores_all) {
    num_targets += target != kIgnore ? 1 : 0;
    if (scores_all || target != kIgnore) {
      scored.push_back(static_cast<int64_t>(tokens.size()));
      targets.push_back(target);
    }
    tokens.push_back(token);
    positions.push_back(position);
  }
  void end_row() { starts.push_back(static_cast<int32_t>(tokens.size())); }
};

void check_row(const TokenRows& rows, const TokenRows* labels, size_t r, int64_t vocab) {
  STRATA_CHECK(!rows[r].empty(), "row ", r, " is empty");
  for (size_t t = 0; t < rows[r].size(); ++t) check_id(rows[r][t], vocab, "id", r, t);
  if (labels == nullptr) return;
  const std::vector<int64_t>& scored = (*labels)[r];
  STRATA_CHECK(scored.size() == rows[r].size(), "row ", r, " has ", rows[r].size(), " ids but ", scored.size(),
               " labels");
  for (size_t t = 1; t < scored.size(); ++t) {
    if (scored[t] != kIgnore) check_id(scored[t], vocab, "label", r, t);
  }
}

// Rows no longer than the longest there is.
void add_padding(Positions& all, int64_t count, int64_t longest, bool scores_all) {
  for (int64_t done = 0; done < count; ++done) {
    all.add(0, kIgnore, static_cast<int32_t>(done % longest), scores_all);
    if ((done + 1) % longest == 0 || done + 1 == count) all.end_row();
  }
}

int64_t longest_of(const std::vector<int32_t>& starts) {
  int32_t longest = 0;
  for (size_t row = 1; row < starts.size(); ++row) longest = std::max(longest, starts[row] - starts[row - 1]);
  return longest;
}

std::vector<int64_t> sorted_by_id(const std::vector<int64_t>& tokens) {
  std::vector<int64_t> by_id(tokens.size());
  std::iota(by_id.begin(), by_id.end(), int64_t{0});
  std::ranges::stable_sort(by_id, {}, [&](int64_t position) { return tokens[static_cast<size_t>(position)]; });
  return by_id;
}

}  // namespace

TokenBatch TokenBatch::from_rows(const TokenRows& rows, const TokenRows* labels, int64_t vocab,
                                 const BatchShape& shape) {
  STRATA_CHECK(!rows.empty(), "a batch needs at least one row");
  STRATA_CHECK(labels == nullptr || labels->size() == rows.size(), "labels have ", labels ? labels->size() : 0,
               " rows, ids have ", rows.size());
  Positions all;
  for (size_t r = 0; r < rows.size(); ++r) {
    check_row(rows, labels, r, vocab);
    const std::vector<int64_t>& scored = labels ? (*labels)[r] : rows[r];
    for (size_t t = 0; t < rows[r].size(); ++t) {
      const int64_t target = t + 1 < scored.size() ? scored[t + 1] : kIgnore;
      all.add(rows[r][t], target, static_cast<int32_t>(t), shape.fixed_rows > 0);
    }
    all.end_row();
  }
  const auto tokens = static_cast<int64_t>(all.tokens.size());
  const int64_t padding = (shape.token_multiple - tokens % shape.token_multiple) % shape.token_multiple;
  add_padding(all, padding, longest_of(all.starts), shape.fixed_rows > 0);
  const int64_t longest = std::max(shape.fixed_longest, longest_of(all.starts));
  while (std::ssize(all.starts) <= shape.fixed_rows) all.end_row();
  return {.tokens_N = to_tensor(all.tokens, at::kLong),
          .positions_N = to_tensor(all.positions, at::kInt),
          .row_starts_R1 = to_tensor(all.starts, at::kInt),
          .loss_positions_T = to_tensor(all.scored, at::kLong),
          .targets_T = to_tensor(all.targets, at::kLong),
          .by_id_N = to_tensor(sorted_by_id(all.tokens), at::kLong),
          .row_starts = all.starts,
          .longest_row = longest,
          .num_padding = padding,
          .targets = all.num_targets};
}

TokenBatch TokenBatch::empty() {
  const std::vector<int32_t> starts{0};
  return {.tokens_N = to_tensor<int64_t>({}, at::kLong),
          .positions_N = to_tensor<int32_t>({}, at::kInt),
          .row_starts_R1 = to_tensor(starts, at::kInt),
          .loss_positions_T = to_tensor<int64_t>({}, at::kLong),
          .targets_T = to_tensor<int64_t>({}, at::kLong),
          .by_id_N = to_tensor<int64_t>({}, at::kLong),
          .row_starts = starts};
}

}  // namespace strata::data
