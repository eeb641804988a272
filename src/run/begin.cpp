#include "begin.h"

#include <algorithm>

#include "strata/base/text.h"
#include "strata/base/threads.h"
#include "strata/base/version.h"
#include "strata/train/resume.h"
#include "strata/train/tensorboard.h"

namespace strata::run {
namespace {

train::CheckpointState fresh_state(const config::RunConfig& config, const RunInput& input, const kernels::Gemm& gemm) {
  train::CheckpointState state{.progress = {},
                               .data_fingerprint = hex(input.content_fingerprint()),
                               .tokenizer_fingerprint = hex(input.tokenizer_fingerprint()),
                               .gemm = gemm.name(),
                               .threads = num_threads(),
                               .torch_version = torch_version(),
                               .strata_version = version(),
                               .model_fingerprint = input.model_fingerprint()};
  state.progress.cursor.seed = config.order_seed();
  return state;
}

train::Progress first_progress(const Settled& run, const RunInput& input, const train::CheckpointState& state,
                               train::Training& training) {
  const auto anew = [&] {
    input.initialise(run, training.model.parameters());
    begin_lisa(training);
  };
  const auto from_state = [&](const train::CheckpointState& saved) { restore_lisa(training, saved); };
  return train::begin_run(run.config, state, training.model.parameters(), *training.optimizer,
                          {.anew = anew, .from_state = from_state}, training.parallel.workers);
}

bool trains_gates(const nn::ParameterLayout& trained) {
  return std::ranges::any_of(trained.params, [](const auto& param) { return param.role == ParameterRole::kGate; });
}

}  // namespace

Begun::Begun(const Settled& run, const RunInput& input, const kernels::Gemm& gemm, Built& built)
    : start(fresh_state(run.config, input, gemm)) {
  start.progress = first_progress(run, input, start, built.training);
  const auto& folder = built.folder.folder;
  if (!folder) return;
  folder->write_config(run.config);
  const int64_t step = start.progress.step;
  const int64_t kept = step > 0 ? step : -1;  // what begins anew is evaluated anew
  const bool scores_tasks = !run.config.evaluate.tasks.names.empty();
  logs.emplace(folder->path(), kept, scores_tasks);
  if (run.config.telemetry.tensorboard) {
    train::draw_in_tensorboard(*logs, run.config, kept, trains_gates(run.spec.trained));
  }
}

}  // namespace strata::run
