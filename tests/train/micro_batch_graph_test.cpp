// Batches of one shape, and micro-batches as recorded work: the loss and gradients of batches as they come.
#include "strata/train/micro_batch_graph.h"

#include <ATen/ops/equal.h>

#include "support/micro_batches.h"
#include "support/recorded_work.h"

namespace strata::test {
namespace {

constexpr int64_t kRowLength = 24;

nn::ModelSpec spec_of(const std::string& scheme) {
  config::NormConfig norm;
  norm.scheme = scheme;
  return nn::describe(tiny_dims(), norm);
}

class BatchShapes : public testing::Test {
 protected:
  BatchShapes() { randomise(model_.model.parameters(), 5); }
  TestModel model_{spec_of("mix+gpas"), tiny_options(), "tiles"};
};

// Sums over tokens are taken in other groups then: the loss is one of 48 terms, gradients of weights sums of them.
TEST_F(BatchShapes, ChangeNeitherLossNorGradients) {
  const Sums plain = sums_of(model_, {});
  for (const data::BatchShape& shape :
       {data::BatchShape{.token_multiple = 32}, data::BatchShape{.fixed_rows = 5, .fixed_longest = kRowLength},
        data::BatchShape{.token_multiple = 64, .fixed_rows = 7, .fixed_longest = kRowLength}}) {
    SCOPED_TRACE(testing::PrintToString(std::pair(shape.token_multiple, shape.fixed_rows)));
    const Sums shaped = sums_of(model_, shape);
    EXPECT_NEAR(shaped.loss, plain.loss, 1e-6 * plain.loss);
    EXPECT_LT(relative_error(shaped.gradients, plain.gradients), 2e-6);
  }
}

TEST_F(BatchShapes, OfFixedRowsAreAllAlike) {
  const data::BatchShape shape{.token_multiple = 32, .fixed_rows = 5, .fixed_longest = kRowLength};
  const data::TokenBatch first = packed_batch(0, 61, shape);
  EXPECT_EQ(first.num_tokens(), 64);
  EXPECT_EQ(first.num_scored(), 64);
  EXPECT_EQ(first.num_targets(), 45);
  for (int64_t i = 1; i < 4; ++i) {
    const data::TokenBatch other = packed_batch(i, 61, shape);
    EXPECT_EQ(other.row_starts_R1.sizes(), first.row_starts_R1.sizes());
    EXPECT_EQ(other.loss_positions_T.sizes(), first.loss_positions_T.sizes());
    EXPECT_EQ(other.longest_row, kRowLength);
    EXPECT_EQ(other.row_starts.back(), 64);
  }
}

TEST_F(BatchShapes, RecordedWorkHasTheBitsOfDirectWork) {
  const data::BatchShape shape{.token_multiple = 32, .fixed_rows = 5, .fixed_longest = kRowLength};
  const Sums expected = sums_of(model_, shape);
  RecordedWork::Counts counts;
  train::MicroBatchGraph graph(model_.model, std::make_unique<RecordedWork>(counts));
  const Sums recorded = sums_of(model_, shape, [&](const auto& batch, const auto& scale, const auto& loss) {
    graph.add_loss_and_gradients(loss, batch, scale);
  });
  EXPECT_EQ(counts.captured, 1);
  EXPECT_EQ(counts.replayed, 5);
  EXPECT_DOUBLE_EQ(recorded.loss, expected.loss);  // of micro-batches that are added up one by one
  EXPECT_TRUE(at::equal(recorded.gradients, expected.gradients));
}

// Recorded work calls nobody: parameters on their way are waited for before it reads them.
TEST_F(BatchShapes, RecordedWorkReadsParametersThatHaveArrived) {
  const data::BatchShape shape{.token_multiple = 32, .fixed_rows = 5, .fixed_longest = kRowLength};
  const at::Tensor values = model_.model.parameters().values();
  const at::Tensor arriving = values.clone();
  const Sums expected = sums_of(model_, shape);
  RecordedWork::Counts counts;
  train::MicroBatchGraph graph(model_.model, std::make_unique<RecordedWork>(counts));
  model_.model.set_before_section([&](ArenaRange section) {
    if (counts.is_replaying) return;
    values.narrow(0, section.begin, section.size()).copy_(arriving.narrow(0, section.begin, section.size()));
  });
  const Sums recorded = sums_of(model_, shape, [&](const auto& batch, const auto& scale, const auto& loss) {
    values.fill_(0.5F);
    graph.add_loss_and_gradients(loss, batch, scale);
  });
  EXPECT_EQ(counts.replayed, 5);
  EXPECT_DOUBLE_EQ(recorded.loss, expected.loss);
  EXPECT_TRUE(at::equal(recorded.gradients, expected.gradients));
}

// A batch of another shape is computed as ever, and the recorded work goes on after it.
TEST_F(BatchShapes, OfOtherSizesAreNotReplayed) {
  RecordedWork::Counts counts;
  train::MicroBatchGraph graph(model_.model, std::make_unique<RecordedWork>(counts));
  const Sums expected = sums_of(model_, {});
  const Sums recorded = sums_of(model_, {}, [&](const auto& batch, const auto& scale, const auto& loss) {
    graph.add_loss_and_gradients(loss, batch, scale);
  });
  EXPECT_LT(counts.replayed, 5);
  EXPECT_DOUBLE_EQ(recorded.loss, expected.loss);
  EXPECT_TRUE(at::equal(recorded.gradients, expected.gradients));
}

}  // namespace
}  // namespace strata::test
