#pragma once

#include <functional>

#include "support/models.h"

namespace strata::test {

/// A micro-batch of packed rows for a tiny model: 48 tokens in each, in other documents of at most 24.
data::TokenBatch packed_batch(int64_t index, int64_t vocab, const data::BatchShape& shape);

/// Loss and gradients of six of them, each with a scale of its own.
struct Sums {
  double loss = 0.0;
  at::Tensor gradients;
};
using AddBatch = std::function<void(const data::TokenBatch&, const at::Tensor& scale, const at::Tensor& loss)>;
Sums sums_of(TestModel& test, const data::BatchShape& shape, const AddBatch& add);
/// By the model itself.
Sums sums_of(TestModel& test, const data::BatchShape& shape);

}  // namespace strata::test
