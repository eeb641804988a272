// What rows without padding save: real rows once as they are, once padded to the sequence length. The head, which is
// more than half of this small model's work, skips the pads both times.
#include <ATen/TensorOperators.h>

#include <chrono>
#include <cmath>
#include <iostream>

#include "strata/base/text.h"
#include "strata/train/step.h"
#include "support/models.h"
#include "support/test_data.h"
#include "support/training.h"

namespace strata::test {
namespace {

constexpr int64_t kSteps = 6;
constexpr int64_t kRows = 32;
constexpr int64_t kLength = 256;

nn::ModelSpec nine_million() {
  config::NormConfig norm;
  norm.scheme = "pre+gpas";
  return nn::describe(nine_million_dims(), norm);
}

data::TokenRows next_rows(data::DocumentReader& documents, const data::Tokenizer& tokenizer) {
  data::TokenRows rows;
  for (std::string text; std::ssize(rows) < kRows && documents.next(text);) {
    const auto ids = tokenizer.encode_document(text);
    rows.emplace_back(ids.begin(), ids.begin() + std::min(kLength, std::ssize(ids)));
    rows.back().back() = data::Tokenizer::kEos;
  }
  return rows;
}

data::GlobalBatch batch_of(const data::TokenRows& rows, const data::TokenRows& labels, int64_t vocab) {
  data::GlobalBatch batch;
  batch.micro_batches.push_back(data::TokenBatch::from_rows(rows, &labels, vocab));
  batch.num_tokens = batch.micro_batches[0].num_tokens();
  batch.num_targets = batch.micro_batches[0].num_targets();
  return batch;
}

data::GlobalBatch padded(data::TokenRows rows, int64_t vocab) {
  data::TokenRows labels = rows;
  for (auto& row : rows) row.resize(kLength, data::Tokenizer::kPad);
  for (auto& row : labels) row.resize(kLength, data::kIgnore);
  return batch_of(rows, labels, vocab);
}

config::RunConfig one_micro_batch() {
  config::RunConfig config;
  config.train.global_batch = config.train.micro_batch;
  return config;
}

// A model in training, and the time and tokens that its steps took.
class Training {
 public:
  Training() : model_(nine_million(), {.limits = {.max_tokens = kRows * kLength, .longest_row = kLength}}) {
    parameters().initialise(42);
  }

  nn::Parameters& parameters() { return model_.model.parameters(); }

  train::StepReport run(const data::GlobalBatch& batch, int64_t index) {
    const auto start = std::chrono::steady_clock::now();
    const train::StepReport report = step_.read(step_.start(batch, index, {}).value(), {});
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    tokens += report.tokens;
    return report;
  }

  double seconds = 0.0;
  int64_t tokens = 0;

 private:
  TestModel model_;
  optim::Schedule schedule_{{.kind = config::ScheduleKind::kConstant, .warmup_steps = 0}, 1e-3, kSteps};
  LoneTraining training_{one_micro_batch(), model_.model, model_.allocator};
  config::TrainConfig config_;
  train::Step step_{model_.model, *training_.optimizer, schedule_, config_, training_.parallel};
};

// The longest way from a token to its loss has 4 layers of sums over 128 (q, k, v), 32 (scores), 256 (values), 128 (o),
// 128 (gate, up) and 352 (down) terms, then 128 (head): 4,224 roundings, and twice as many on the way back, where the
// weights' gradients sum over up to 8,192 tokens besides. Another order of summation changes each by up to 2^-24,
// without a common sign, so that they add up as their square root does.
const double kLossBound = std::sqrt(4'224.0) * std::exp2(-24);
const double kGradientBound = std::sqrt(3 * 4'224.0 + 8'192.0) * std::exp2(-24);

TEST(PaddedRows, CostTimeAndChangeNothing) {
  STRATA_NEEDS_TEST_DATA();
  const data::Tokenizer tokenizer(test_data() / "t5" / "spiece.model");
  const std::string name = "c4-train.00000-of-00003.json.gz";
  data::DocumentReader documents({.name = name, .files = {test_data() / "c4" / name}}, {});
  Training ours, theirs;
  const int64_t vocab = nine_million().dims.vocab;
  for (int64_t i = 0; i < kSteps; ++i) {
    const data::TokenRows rows = next_rows(documents, tokenizer);
    ASSERT_EQ(std::ssize(rows), kRows);
    // Adam makes a whole step of a gradient that is nothing but rounding: each step starts from the same weights.
    theirs.parameters().master().copy_(ours.parameters().master());
    const train::StepReport without = ours.run(batch_of(rows, rows, vocab), i);
    const train::StepReport with = theirs.run(padded(rows, vocab), i);
    EXPECT_EQ(with.targets, without.targets);
    EXPECT_NEAR(with.loss / without.loss, 1.0, kLossBound) << "step " << i;
    const at::Tensor gradients = ours.parameters().gradients();
    const double difference = (theirs.parameters().gradients() - gradients).norm().item<double>();
    EXPECT_LT(difference / gradients.norm().item<double>(), kGradientBound) << "step " << i;
    const at::Tensor of_pads = theirs.parameters().gradient("model.embed_tokens.weight")[data::Tokenizer::kPad];
    EXPECT_EQ(of_pads.abs().max().item<float>(), 0.0F);
  }
  std::cout << "without padding " << with_commas(ours.tokens) << " tokens, " << fixed(ours.seconds, 2) << " s; padded "
            << with_commas(theirs.tokens) << " tokens, " << fixed(theirs.seconds, 2)
            << " s: " << fixed(theirs.seconds / ours.seconds, 2) << " times as long\n";
}

}  // namespace
}  // namespace strata::test
