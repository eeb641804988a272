// Workers as threads of this process, over Gloo: the same steps by 1, 2, 4 and 8 of them give the same bytes.
#include "strata/train/data_parallel.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>

#include <nlohmann/json.hpp>

#include "strata/config/enums.h"
#include "strata/train/step.h"
#include "strata/train/training.h"
#include "support/models.h"
#include "support/workers.h"

namespace strata::train {
namespace {

using strata::test::as_workers;

constexpr int64_t kSteps = 20;
constexpr int64_t kMicroBatches = 16;

struct Setup {
  std::string scheme = "pre+gpas";
  config::Precision precision = config::Precision::kFp32;
  config::LossAverage average = config::LossAverage::kToken;
  config::SumOrder order = config::SumOrder::kFixed;
  int64_t zero = 0;
  config::Rounding rounding = config::Rounding::kNearest;
  config::OptimizerKind kind = config::OptimizerKind::kAdam;
  int64_t layers = 4, intermediate = 43;
};

config::RunConfig config_of(const Setup& setup) {
  config::RunConfig config;
  config.model = strata::test::tiny_dims();
  config.model.layers = setup.layers;
  config.model.intermediate = setup.intermediate;
  config.norm.scheme = setup.scheme;
  config.norm.prores.warmup_steps = 4;
  config.data.sequence_length = 16;
  config.train.steps = kSteps;
  config.train.micro_batch = 4;
  config.train.global_batch = 4 * kMicroBatches;
  config.train.precision = setup.precision;
  config.train.loss_average = setup.average;
  config.train.clip = {.global = 0.5, .gates = 1e-3};
  config.optimizer.kind = setup.kind;
  config.optimizer.lr = 1e-3;
  config.optimizer.rounding = setup.rounding;
  config.schedule.warmup_steps = 2;
  config.parallel.order = setup.order;
  config.parallel.zero = setup.zero;
  config.parallel.bucket_mb = 1;
  config.checkpoint.asynchronous = false;
  return config;
}

// Four rows of made-up tokens; every micro-batch has another number of them.
data::TokenBatch micro_batch_of(int64_t number, int64_t vocab) {
  data::TokenRows rows;
  for (int64_t row = 0; row < 4; ++row) {
    const int64_t length = 2 + (7 * number + 5 * row) % 14;
    rows.emplace_back();
    for (int64_t i = 0; i < length; ++i) {
      rows.back().push_back(static_cast<int32_t>((number * 31 + row * 17 + i * i * 3) % (vocab / 2)));
    }
  }
  return data::TokenBatch::from_rows(rows, nullptr, vocab);
}

// The micro-batches of a worker.
data::GlobalBatch batch_of(const Division& division, int64_t step, int rank, int64_t vocab) {
  data::GlobalBatch batch;
  const std::vector<int64_t> mine = division.micro_batches_of(rank);
  for (int64_t i = 0; i < division.micro_batches; ++i) {
    data::TokenBatch micro_batch = micro_batch_of(step * kMicroBatches + i, vocab);
    batch.num_tokens += micro_batch.num_tokens();
    batch.num_targets += micro_batch.num_targets();
    if (std::ranges::find(mine, i) != mine.end()) batch.micro_batches.push_back(std::move(micro_batch));
  }
  return batch;
}

struct Result {
  std::vector<double> numbers;  // losses, norms, clip factors, layer statistics of every step
  at::Tensor parameters, master;
};

void add_numbers(const StepReport& report, const std::string& layers, Result& result) {
  for (const double number : {report.loss, report.norms.global, report.norms.gates, report.clip.global,
                              report.clip.gates, static_cast<double>(std::hash<std::string>()(layers))}) {
    result.numbers.push_back(number);
  }
}

// What every worker has at the end, which must be the same.
Result train_with(int world_size, const Setup& setup) {
  const config::RunConfig config = config_of(setup);
  const nn::ModelSpec spec = nn::describe(config.model, config.norm);
  std::vector<Result> results(static_cast<size_t>(world_size));
  as_workers(world_size, [&](workers::Communicator& workers) {
    const auto gemm = kernels::make_gemm("tiles");
    Allocator allocator(at::kCPU);
    Training training(config, spec, *gemm, workers, {}, allocator);
    training.model.parameters().initialise(7);
    const optim::Schedule schedule(config.schedule, config.optimizer.lr, config.train.steps);
    Step step(training.model, *training.optimizer, schedule, config.train, training.parallel);
    Result& result = results[static_cast<size_t>(workers.rank())];
    for (int64_t index = 0; index < kSteps; ++index) {
      const auto batch = batch_of(training.division, index, workers.rank(), config.model.vocab);
      const StepReport report = step.read(step.start(batch, index, {}, {.measures_layers = true}).value(), {});
      add_numbers(report, report.layers->line(index).dump(), result);
    }
    training.parallel.gather.finish();
    const nn::Parameters& parameters = training.model.parameters();
    result.parameters = parameters.values().narrow(0, 0, spec.layout.arena_size).clone();
    result.master = at::zeros({parameters.layout().arena_size}, parameters.master().options());
    training.parallel.gather.collect_master(result.master);
    result.master = result.master.narrow(0, 0, spec.layout.arena_size);
  });
  for (const Result& result : results) {
    EXPECT_EQ(result.numbers, results.front().numbers);
    EXPECT_TRUE(at::equal(result.parameters, results.front().parameters));
  }
  return results.front();
}

class WorldSizes : public testing::TestWithParam<Setup> {};

TEST_P(WorldSizes, GiveTheSameBytes) {
  const Result alone = train_with(1, {.scheme = GetParam().scheme,
                                      .precision = GetParam().precision,
                                      .average = GetParam().average,
                                      .rounding = GetParam().rounding,
                                      .kind = GetParam().kind});
  EXPECT_LT(alone.numbers[(kSteps - 1) * 6], alone.numbers[0]) << "it learns";
  for (const int world_size : {2, 4, 8}) {
    const Result shared = train_with(world_size, GetParam());
    EXPECT_EQ(shared.numbers, alone.numbers) << world_size;
    EXPECT_TRUE(at::equal(shared.parameters, alone.parameters)) << world_size;
    EXPECT_TRUE(at::equal(shared.master, alone.master)) << world_size;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Schemes, WorldSizes,
    testing::Values(Setup{.scheme = "pre+gpas"}, Setup{.scheme = "pre+gpas", .zero = 1},
                    Setup{.scheme = "deepnorm+gpas", .zero = 1}, Setup{.scheme = "mix+gpas"},
                    Setup{.scheme = "sandwich", .average = config::LossAverage::kPerMicroBatch, .zero = 1},
                    Setup{.scheme = "lns+gpas", .precision = config::Precision::kBf16, .zero = 1},
                    Setup{.scheme = "lns+gpas",
                          .precision = config::Precision::kBf16,
                          .zero = 1,
                          .rounding = config::Rounding::kStochastic},
                    Setup{.scheme = "post+gpas", .precision = config::Precision::kMixed, .zero = 1},
                    Setup{.scheme = "pre+gpas", .precision = config::Precision::kMixed},
                    Setup{.scheme = "deepnorm+gpas+prores", .zero = 1}, Setup{.scheme = "hybrid_star", .zero = 1},
                    Setup{.scheme = "olmo2+gpas", .precision = config::Precision::kMixed, .zero = 1},
                    Setup{.scheme = "derf+gpas", .zero = 1}, Setup{.kind = config::OptimizerKind::kMuon},
                    Setup{.zero = 1, .kind = config::OptimizerKind::kMuon},
                    Setup{.precision = config::Precision::kMixed, .zero = 1, .kind = config::OptimizerKind::kMuon},
                    Setup{.precision = config::Precision::kBf16,
                          .zero = 1,
                          .rounding = config::Rounding::kStochastic,
                          .kind = config::OptimizerKind::kMuon},
                    Setup{.zero = 1, .kind = config::OptimizerKind::kAdemamix},
                    Setup{.precision = config::Precision::kMixed, .zero = 1, .kind = config::OptimizerKind::kLion}),
    [](const auto& info) {
      std::string name = info.param.scheme + "_" + std::to_string(static_cast<int>(info.param.precision)) + "_zero" +
                         std::to_string(info.param.zero);
      if (info.param.rounding == config::Rounding::kStochastic) name += "_stochastic";
      if (info.param.kind != config::OptimizerKind::kAdam)
        name += "_" + std::string(config::enum_name(info.param.kind));
      std::ranges::replace(name, '+', '_');
      return name;
    });

// Muon's matrices are not cut: where each is more than two workers' share, some workers have nothing.
TEST(AWorkerWithoutMasterValues, TrainsAsTheOthersDo) {
  const struct Setup setup {
    .precision = config::Precision::kMixed, .zero = 1, .kind = config::OptimizerKind::kMuon, .layers = 1,
    .intermediate = 400
  };
  const config::RunConfig config = config_of(setup);
  const nn::ModelSpec spec = nn::describe(config.model, config.norm);
  int without = 0;
  for (int rank = 0; rank < 8; ++rank) {
    without += Partitions(config, spec, rank, 8).master_ranges(setup.precision)->empty() ? 1 : 0;
  }
  EXPECT_GT(without, 0);
  const Result alone = train_with(1, setup), shared = train_with(8, setup);
  EXPECT_EQ(shared.numbers, alone.numbers);
  EXPECT_TRUE(at::equal(shared.parameters, alone.parameters));
  EXPECT_TRUE(at::equal(shared.master, alone.master));
}

TEST(FastOrder, IsWithinRoundingOfTheFixedOne) {
  const Result fixed = train_with(1, {});
  for (const int world_size : {2, 4}) {
    const Result fast = train_with(world_size, {.order = config::SumOrder::kFast});
    for (size_t i = 0; i < fixed.numbers.size(); i += 6) {
      EXPECT_NEAR(fast.numbers[i], fixed.numbers[i], 1e-4 * fixed.numbers[i]) << "step " << i / 6;
    }
  }
}

}  // namespace
}  // namespace strata::train
