#include "support/lisa_run.h"

#include <ATen/ops/equal.h>

#include <algorithm>

#include "strata/base/check.h"
#include "strata/config/enums.h"
#include "strata/nn/of_config.h"
#include "strata/train/resume.h"
#include "support/micro_batches.h"

namespace strata::test {
namespace {

constexpr int64_t kMicroBatches = 4;

void give_start_values(nn::Parameters& parameters) {
  parameters.initialise(7);
  for (const ParamSpec& param : parameters.layout().params) {
    if (param.role == ParameterRole::kGate)
      parameters.master(param.name).fill_(0.2 + 0.1 * static_cast<double>(param.layer));
  }
  parameters.refresh_values();
}

}  // namespace

std::string name_of(const LisaCase& one) {
  std::string name = strata::str(one.scheme, "_", config::enum_name(one.states), "_", config::enum_name(one.sampling),
                                 "_", config::enum_name(one.precision), "_", config::enum_name(one.rounding),
                                 one.fine_tunes ? "" : "_gates");
  if (one.kind != config::OptimizerKind::kAdamw) name += "_" + std::string(config::enum_name(one.kind));
  std::ranges::replace(name, '+', '_');
  return name;
}

void PrintTo(const LisaCase& one, std::ostream* out) { *out << name_of(one); }

config::RunConfig lisa_config(const LisaCase& one, const std::filesystem::path& run) {
  config::RunConfig config;
  config.model = tiny_dims();
  config.norm.scheme = one.scheme;
  config.data.sequence_length = 32;
  config.train.steps = 12;
  config.train.global_batch = 2 * kMicroBatches;
  config.train.micro_batch = 2;
  config.train.precision = one.precision;
  config.train.clip.global = 1.0;
  config.optimizer = {.kind = one.kind, .lr = 1e-2, .weight_decay = 0.1, .rounding = one.rounding};
  config.schedule = {.kind = config::ScheduleKind::kLinear, .warmup_steps = 2};
  config.parallel.bucket_mb = 1;
  config.lisa = {.layers = 2, .interval = 3, .states = one.states, .sampling = one.sampling};
  if (one.fine_tunes) config.sft.model = "model";
  config.run.dir = run;
  return config;
}

data::GlobalBatch lisa_batch(const train::Division& division, int rank, int64_t index, int64_t vocab) {
  return made_up_global_batch(division, rank, index, kMicroBatches, vocab, [&](int64_t i, const data::TokenRows& rows) {
    data::TokenRows labels = rows;
    for (auto& row : labels) std::fill_n(row.begin(), 4, data::kIgnore);
    const bool is_empty = index % 4 == 3 && i == kMicroBatches - 1;
    return is_empty ? data::TokenBatch::empty() : data::TokenBatch::from_rows(rows, &labels, vocab);
  });
}

LisaRun::LisaRun(const config::RunConfig& given, workers::Communicator& workers)
    : config(given),
      gemm(kernels::make_gemm("tiles")),
      training(config, nn::describe(config), *gemm, workers, {}, allocator),
      schedule(config.schedule, config.optimizer.lr, config.train.steps) {
  const train::RunStart how{.anew =
                                [&] {
                                  give_start_values(parameters());
                                  begin_lisa(training);
                                },
                            .from_state = [&](const auto& saved) { restore_lisa(training, saved); }};
  start.progress.cursor.seed = 3;
  start.progress = begin_run(config, start, parameters(), *training.optimizer, how, workers);
  progress = start.progress;
}

void LisaRun::run(std::vector<std::unique_ptr<train::Hook>> hooks, train::LoopOptions options) {
  if (training.lisa) hooks.insert(hooks.begin(), train::lisa(*training.lisa));
  if (options.last_step == 0) options.last_step = config.train.steps;
  train::Step step(training.model, *training.optimizer, schedule, config.train, training.parallel);
  int64_t index = progress.step;
  const int rank = training.parallel.workers.rank();
  run_training(
      step, config.train, [&] { return lisa_batch(training.division, rank, index++, config.model.vocab); }, hooks,
      options, progress);
}

void LisaRun::run_with_files(const train::LoopOptions& options) {
  std::filesystem::create_directories(config.run.dir);
  train::RunLogs logs(config.run.dir, progress.step);
  std::vector<std::unique_ptr<train::Hook>> hooks;
  hooks.push_back(metrics_files(logs, false));
  hooks.push_back(checkpoints(config.checkpoint, start, training.writer, &logs, training.parallel,
                              training.lisa ? &*training.lisa : nullptr));
  run(std::move(hooks), options);
  logs.flush();
}

std::optional<train::LisaState> LisaRun::lisa() const {
  return training.lisa ? std::optional(training.lisa->state_after(progress.step)) : std::nullopt;
}

void expect_same_bits(const LisaRun& one, const LisaRun& other) {
  for (const ParamSpec& param : one.params()) {
    EXPECT_TRUE(at::equal(one.parameters().master(param.name), other.parameters().master(param.name))) << param.name;
  }
  const train::OptimizerStates states = train::states_of(*one.training.optimizer);
  const train::OptimizerStates others = train::states_of(*other.training.optimizer);
  for (size_t i = 0; i < states.states.size(); ++i) {
    for (const ParamSpec& param : states.params) {
      if (!optim::has_state(param, states.states[i])) continue;
      const auto of = [&](const train::OptimizerStates& run) { return state_at(run, i, place_of(param)); };
      EXPECT_TRUE(at::equal(of(states), of(others))) << states.states[i].name << " of " << param.name;
    }
  }
}

}  // namespace strata::test
