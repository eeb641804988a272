#pragma once

#include <functional>

#include "strata/data/batch_source.h"
#include "strata/train/division.h"
#include "support/models.h"

namespace strata::test {

/// A micro-batch of packed rows for a tiny model: 48 tokens in each, in other documents of at most 24.
data::TokenBatch packed_batch(int64_t index, int64_t vocab, const data::BatchShape& shape);

/// The `index`-th global batch of a run, whose epochs have four: `of_rows` makes each micro-batch of its two rows.
using OfRows = std::function<data::TokenBatch(int64_t micro_batch, const data::TokenRows& rows)>;
data::GlobalBatch made_up_global_batch(const train::Division& division, int rank, int64_t index, int64_t micro_batches,
                                       int64_t vocab, const OfRows& of_rows);

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
