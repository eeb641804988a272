#include "strata/data/token_batch.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <numeric>

#include "strata/base/check.h"

namespace strata::data {
namespace {

template <class T>
at::Tensor to_tensor(const std::vector<T>& values, at::ScalarType type) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, type);
  std::ranges::copy(values, static_cast<T*>(tensor.data_ptr()));
  return tensor;
}

void check_id(int64_t id, int64_t vocab, const char* what, size_t row, size_t position) {
  STRATA_CHECK(id >= 0 && id < vocab, what, " ", id, " at row ", row, ", position ", position,
               " is outside the vocabulary of ", vocab);
}

}  // namespace

TokenBatch TokenBatch::from_rows(const TokenRows& rows, const TokenRows* labels, int64_t vocab) {
  STRATA_CHECK(!rows.empty(), "a batch needs at least one row");
  STRATA_CHECK(labels == nullptr || labels->size() == rows.size(), "labels have ", labels ? labels->size() : 0,
               " rows, ids have ", rows.size());
  std::vector<int64_t> tokens, targets, loss_positions;
  std::vector<int32_t> positions, starts{0};
  for (size_t r = 0; r < rows.size(); ++r) {
    const std::vector<int64_t>& scored = labels ? (*labels)[r] : rows[r];
    STRATA_CHECK(!rows[r].empty(), "row ", r, " is empty");
    STRATA_CHECK(scored.size() == rows[r].size(), "row ", r, " has ", rows[r].size(), " ids but ", scored.size(),
                 " labels");
    for (size_t t = 0; t < rows[r].size(); ++t) check_id(rows[r][t], vocab, "id", r, t);
    for (size_t t = 0; t < rows[r].size(); ++t) {
      const int64_t target = t + 1 < scored.size() ? scored[t + 1] : kIgnore;
      if (target != kIgnore) {
        check_id(target, vocab, "label", r, t + 1);
        loss_positions.push_back(static_cast<int64_t>(tokens.size()));
      }
      tokens.push_back(rows[r][t]);
      targets.push_back(target);
      positions.push_back(static_cast<int32_t>(t));
    }
    starts.push_back(static_cast<int32_t>(tokens.size()));
  }
  std::vector<int64_t> by_id(tokens.size());
  std::iota(by_id.begin(), by_id.end(), int64_t{0});
  std::ranges::stable_sort(by_id, {}, [&](int64_t position) { return tokens[static_cast<size_t>(position)]; });
  return {to_tensor(tokens, at::kLong),         to_tensor(targets, at::kLong), to_tensor(positions, at::kInt), starts,
          to_tensor(loss_positions, at::kLong), to_tensor(by_id, at::kLong)};
}

}  // namespace strata::data
