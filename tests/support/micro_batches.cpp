#include "support/micro_batches.h"

#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

namespace strata::test {

data::TokenBatch packed_batch(int64_t index, int64_t vocab, const data::BatchShape& shape) {
  const std::vector<int64_t> lengths[] = {{24, 9, 15}, {1, 23, 20, 4}, {12, 12, 24}, {24, 24}};
  data::TokenRows rows;
  for (const int64_t length : lengths[index % 4]) {
    rows.emplace_back();
    for (int64_t t = 0; t < length; ++t) rows.back().push_back((index * 31 + length * 7 + t * t * 3) % vocab);
  }
  return data::TokenBatch::from_rows(rows, nullptr, vocab, shape);
}

data::GlobalBatch made_up_global_batch(const train::Division& division, int rank, int64_t index, int64_t micro_batches,
                                       int64_t vocab, const OfRows& of_rows) {
  data::GlobalBatch batch;
  const std::vector<int64_t> mine = division.micro_batches_of(rank);
  for (int64_t i = 0; i < micro_batches; ++i) {
    data::TokenRows rows(2);
    for (int64_t t = 0; t < 9 + (index + i) % 5; ++t) {
      rows[0].push_back((index * 31 + i * 17 + t * t * 3) % vocab);
      rows[1].push_back((index * 7 + i * 5 + t) % vocab);
    }
    data::TokenBatch micro_batch = of_rows(i, rows);
    batch.num_tokens += micro_batch.num_tokens();
    batch.num_targets += micro_batch.num_targets();
    if (std::ranges::find(mine, i) != mine.end()) batch.micro_batches.push_back(std::move(micro_batch));
  }
  batch.end = {.seed = 3, .epoch = index / 4, .row = index + 1};
  return batch;
}

Sums sums_of(TestModel& test, const data::BatchShape& shape, const AddBatch& add) {
  nn::Parameters& parameters = test.model.parameters();
  const at::TensorOptions number = parameters.master().options().dtype(at::kDouble);
  const at::Tensor loss = at::zeros({}, number);
  parameters.zero_gradients();
  for (int64_t i = 0; i < 6; ++i) {
    add(test.model.upload(packed_batch(i, test.model.spec().dims.vocab, shape)),
        at::full({}, 0.01 * static_cast<double>(i + 1), number), loss);
  }
  return {.loss = loss.item<double>(), .gradients = parameters.gradients().clone()};
}

Sums sums_of(TestModel& test, const data::BatchShape& shape) {
  return sums_of(test, shape, [&](const auto& batch, const auto& scale, const auto& loss) {
    test.model.add_loss_and_gradients(loss, batch, scale);
  });
}

}  // namespace strata::test
