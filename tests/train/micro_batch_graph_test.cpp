// Batches of one shape, and micro-batches as recorded work: the loss and gradients of batches as they come.
#include "strata/train/micro_batch_graph.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include "support/models.h"
#include "support/recorded_work.h"

namespace strata::test {
namespace {

constexpr int64_t kRowLength = 24;

nn::ModelSpec spec_of(const std::string& scheme) {
  config::NormConfig norm;
  norm.scheme = scheme;
  return nn::describe(tiny_dims(), norm);
}

// Packed rows: so many tokens in each batch, in other documents.
data::TokenRows packed_rows(int64_t batch, int64_t vocab) {
  const std::vector<int64_t> lengths[] = {{24, 9, 15}, {1, 23, 20, 4}, {12, 12, 24}, {24, 24}};
  data::TokenRows rows;
  for (const int64_t length : lengths[batch % 4]) {
    rows.emplace_back();
    for (int64_t t = 0; t < length; ++t) rows.back().push_back((batch * 31 + length * 7 + t * t * 3) % vocab);
  }
  return rows;
}

data::TokenBatch batch_of(int64_t index, int64_t vocab, const data::BatchShape& shape) {
  return data::TokenBatch::from_rows(packed_rows(index, vocab), nullptr, vocab, shape);
}

struct Sums {
  double loss;
  at::Tensor gradients;
};

using AddBatch = std::function<void(const data::TokenBatch&, const at::Tensor& scale, const at::Tensor& loss)>;

Sums sums_of(const TestModel& model, const data::BatchShape& shape, const AddBatch& add) {
  const at::Tensor loss = at::zeros({}, at::kDouble);
  model.model.parameters().zero_gradients();
  for (int64_t i = 0; i < 6; ++i) {
    add(batch_of(i, model.model.spec().dims.vocab, shape), at::full({}, 0.01 * static_cast<double>(i + 1), at::kDouble),
        loss);
  }
  return {.loss = loss.item<double>(), .gradients = model.model.parameters().gradients().clone()};
}

Sums direct(TestModel& model, const data::BatchShape& shape) {
  return sums_of(model, shape, [&](const auto& batch, const auto& scale, const auto& loss) {
    model.model.add_loss_and_gradients(batch, scale, loss);
  });
}

class BatchShapes : public testing::Test {
 protected:
  BatchShapes() { randomise(model_.model.parameters(), 5); }
  TestModel model_{spec_of("mix+gpas"), tiny_options(), "tiles"};
};

// Sums over tokens are taken in other groups then: the loss is one of 48 terms, gradients of weights sums of them.
TEST_F(BatchShapes, ChangeNeitherLossNorGradients) {
  const Sums plain = direct(model_, {});
  for (const data::BatchShape& shape :
       {data::BatchShape{.token_multiple = 32}, data::BatchShape{.fixed_rows = 5, .fixed_longest = kRowLength},
        data::BatchShape{.token_multiple = 64, .fixed_rows = 7, .fixed_longest = kRowLength}}) {
    SCOPED_TRACE(testing::PrintToString(std::pair(shape.token_multiple, shape.fixed_rows)));
    const Sums shaped = direct(model_, shape);
    EXPECT_NEAR(shaped.loss, plain.loss, 1e-6 * plain.loss);
    EXPECT_LT(relative_error(shaped.gradients, plain.gradients), 2e-6);
  }
}

TEST_F(BatchShapes, OfFixedRowsAreAllAlike) {
  const data::BatchShape shape{.token_multiple = 32, .fixed_rows = 5, .fixed_longest = kRowLength};
  const data::TokenBatch first = batch_of(0, 61, shape);
  EXPECT_EQ(first.num_tokens(), 64);
  EXPECT_EQ(first.num_scored(), 64);
  EXPECT_EQ(first.num_targets(), 45);
  for (int64_t i = 1; i < 4; ++i) {
    const data::TokenBatch other = batch_of(i, 61, shape);
    EXPECT_EQ(other.row_starts_R1.sizes(), first.row_starts_R1.sizes());
    EXPECT_EQ(other.loss_positions_T.sizes(), first.loss_positions_T.sizes());
    EXPECT_EQ(other.longest_row, kRowLength);
    EXPECT_EQ(other.row_starts.back(), 64);
  }
}

TEST_F(BatchShapes, RecordedWorkHasTheBitsOfDirectWork) {
  const data::BatchShape shape{.token_multiple = 32, .fixed_rows = 5, .fixed_longest = kRowLength};
  const Sums expected = direct(model_, shape);
  RecordedWork::Counts counts;
  train::MicroBatchGraph graph(model_.model, std::make_unique<RecordedWork>(counts));
  const Sums recorded = sums_of(model_, shape, [&](const auto& batch, const auto& scale, const auto& loss) {
    graph.add_loss_and_gradients(batch, scale, loss);
  });
  EXPECT_EQ(counts.captured, 1);
  EXPECT_EQ(counts.replayed, 5);
  EXPECT_DOUBLE_EQ(recorded.loss, expected.loss);  // of micro-batches that are added up one by one
  EXPECT_TRUE(at::equal(recorded.gradients, expected.gradients));
}

// A batch of another shape is computed as ever, and the recorded work goes on after it.
TEST_F(BatchShapes, OfOtherSizesAreNotReplayed) {
  RecordedWork::Counts counts;
  train::MicroBatchGraph graph(model_.model, std::make_unique<RecordedWork>(counts));
  const Sums expected = direct(model_, {});
  const Sums recorded = sums_of(model_, {}, [&](const auto& batch, const auto& scale, const auto& loss) {
    graph.add_loss_and_gradients(batch, scale, loss);
  });
  EXPECT_LT(counts.replayed, 5);
  EXPECT_DOUBLE_EQ(recorded.loss, expected.loss);
  EXPECT_TRUE(at::equal(recorded.gradients, expected.gradients));
}

}  // namespace
}  // namespace strata::test
