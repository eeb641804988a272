// Models on a GPU against the same models on the CPU.
#include <ATen/ops/equal.h>

#include <random>

#include "strata/norm/make.h"
#include "strata/train/micro_batch_graph.h"
#include "support/gpu.h"
#include "support/micro_batches.h"

namespace strata::test {
namespace {

struct Result {
  double loss;
  at::Tensor gradients;  // on the CPU, fp32
};

Result result_of(TestModel& test, const data::TokenBatch& batch) {
  const double scale = 1.0 / static_cast<double>(batch.num_targets());
  test.model.parameters().zero_gradients();
  const double loss = scale * test.model.loss_and_gradients(test.model.upload(batch), scale);
  return {.loss = loss, .gradients = test.model.parameters().gradients().to(at::kCPU, at::kFloat, false, true)};
}

nn::ModelSpec spec_of(const config::ModelConfig& dims, const std::string& scheme) {
  config::NormConfig norm;
  norm.scheme = scheme;
  return nn::describe(dims, norm);
}

// In fp32 both are as far from fp64 as tests/nn allow one of them to be: 1e-5 of the loss, 2e-5 of a parameter's
// gradient, 1e-3 of a gate's, which is a sum with cancellation.
void expect_near(const nn::ParameterLayout& layout, const Result& on_gpu, const Result& on_cpu) {
  EXPECT_NEAR(on_gpu.loss, on_cpu.loss, 2e-5);
  for (const ParamSpec& param : layout.params) {
    const double bound = param.role == ParameterRole::kGate ? 2e-3 : 4e-5;
    EXPECT_LT(relative_error(on_gpu.gradients.narrow(0, param.offset, param.arena_count()),
                             on_cpu.gradients.narrow(0, param.offset, param.arena_count())),
              bound)
        << param.name;
  }
}

class SchemesOnGpu : public OnGpu, public testing::WithParamInterface<std::string> {};

TEST_P(SchemesOnGpu, HaveTheLossAndGradientsOfTheCpu) {
  TestModel on_cpu(spec_of(tiny_dims(), GetParam()), tiny_options());
  randomise(on_cpu.model.parameters(), 7);
  const auto on_gpu = copy_of(on_cpu, tiny_options());
  const data::TokenBatch batch = tiny_batch(tiny_dims().vocab);
  expect_near(on_cpu.model.spec().layout, result_of(*on_gpu, batch), result_of(on_cpu, batch));
}

TEST_P(SchemesOnGpu, KeepTheBitsWhenTheyRecompute) {
  TestModel on_cpu(spec_of(tiny_dims(), GetParam()), tiny_options());
  randomise(on_cpu.model.parameters(), 8);
  const data::TokenBatch batch = tiny_batch(tiny_dims().vocab);
  for (const config::Precision precision : {config::Precision::kFp32, config::Precision::kMixed}) {
    nn::ModelOptions options = tiny_options();
    options.precision = precision;
    const Result kept = result_of(*copy_of(on_cpu, options), batch);
    for (const config::Recompute recompute : {config::Recompute::kFfn, config::Recompute::kLayer}) {
      options.recompute = recompute;
      const Result recomputed = result_of(*copy_of(on_cpu, options), batch);
      EXPECT_EQ(recomputed.loss, kept.loss);
      EXPECT_TRUE(at::equal(recomputed.gradients, kept.gradients));
    }
  }
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::ranges::replace(name, '+', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Registry, SchemesOnGpu, testing::ValuesIn(norm::all_scheme_names()), test_name);

// The dimensions of the 9m model: heads of 32 channels, which FlashAttention takes, and the whole vocabulary.
class ModelOnGpu : public OnGpu {
 protected:
  ModelOnGpu() { randomise(on_cpu_.model.parameters(), 9); }

  static nn::ModelOptions options(config::Precision precision) {
    return {.precision = precision, .limits = {.max_tokens = 600, .longest_row = 256}};
  }

  static data::TokenBatch rows(int64_t vocab) {
    std::mt19937_64 random(1);
    data::TokenRows rows;
    for (const size_t length : {256, 1, 130, 77}) {
      rows.emplace_back(length);
      for (int64_t& id : rows.back()) id = static_cast<int64_t>(random() % static_cast<uint64_t>(vocab));
    }
    return data::TokenBatch::from_rows(rows, nullptr, vocab);
  }

  TestModel on_cpu_{spec_of(nine_million_dims(), "pre+gpas"), options(config::Precision::kFp32)};
  const data::TokenBatch batch_ = rows(on_cpu_.model.spec().dims.vocab);
};

TEST_F(ModelOnGpu, HasTheLossAndGradientsOfTheCpu) {
  const auto on_gpu = copy_of(on_cpu_, options(config::Precision::kFp32));
  expect_near(on_cpu_.model.spec().layout, result_of(*on_gpu, batch_), result_of(on_cpu_, batch_));
}

// Every value is rounded to bf16, by at most 2^-8 of it, some ten times a layer, and errors of many values average out.
TEST_F(ModelOnGpu, StaysNearFp32InBf16) {
  const Result exact = result_of(on_cpu_, batch_);
  for (const config::Precision precision : {config::Precision::kMixed, config::Precision::kBf16}) {
    const Result rounded = result_of(*copy_of(on_cpu_, options(precision)), batch_);
    EXPECT_NEAR(rounded.loss, exact.loss, 0.01 * exact.loss);
    EXPECT_LT(relative_error(rounded.gradients, exact.gradients), 0.1);
  }
}

TEST_F(ModelOnGpu, HasTheSameBitsEveryTime) {
  for (const config::Precision precision : {config::Precision::kFp32, config::Precision::kMixed}) {
    const auto on_gpu = copy_of(on_cpu_, options(precision));
    const Result first = result_of(*on_gpu, batch_), again = result_of(*on_gpu, batch_);
    EXPECT_EQ(first.loss, again.loss);
    EXPECT_TRUE(at::equal(first.gradients, again.gradients));
  }
}

class GraphOnGpu : public OnGpu {};

TEST_F(GraphOnGpu, HasTheBitsOfDirectWork) {
  config::ModelConfig dims = tiny_dims();
  dims.hidden = 64;  // heads of 16 channels: in mixed precision FlashAttention takes them
  const data::BatchShape shape{.token_multiple = 32, .fixed_rows = 5, .fixed_longest = 24};
  for (const config::Precision precision : {config::Precision::kFp32, config::Precision::kMixed}) {
    nn::ModelOptions options = tiny_options();
    options.precision = precision;
    TestModel on_cpu(spec_of(dims, "mix+gpas"), tiny_options());
    randomise(on_cpu.model.parameters(), 5);
    const auto on_gpu = copy_of(on_cpu, options);
    const Sums direct = sums_of(*on_gpu, shape);
    train::MicroBatchGraph graph(on_gpu->model, gpu().make_graph());
    const Sums replayed = sums_of(*on_gpu, shape, [&](const auto& batch, const auto& scale, const auto& loss) {
      graph.add_loss_and_gradients(loss, batch, scale);
    });
    EXPECT_DOUBLE_EQ(replayed.loss, direct.loss);
    EXPECT_TRUE(at::equal(replayed.gradients, direct.gradients));
  }
}

}  // namespace
}  // namespace strata::test
