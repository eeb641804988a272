#include "strata/run/run.h"

#include <algorithm>
#include <cmath>

#include "begin.h"
#include "build.h"
#include "hooks.h"
#include "say.h"
#include "sft_data.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/machine.h"
#include "strata/base/text.h"
#include "strata/nn/of_config.h"
#include "strata/plan/memory_plan.h"
#include "strata/run/device.h"
#include "strata/run/measure.h"
#include "strata/run/record.h"
#include "strata/run/tokenizer.h"
#include "strata/train/signals.h"
#include "strata/workers/worker.h"
#include "train.h"
#include "training_data.h"

namespace strata::run {
namespace {

// A program may have made the config by itself.
void prepare(const config::RunConfig& config) {
  check_config(config);
  set_threads(config.run);
}

// Before the data are read, which takes its time. settle() asks again, with all workers and what is free then.
void check_memory(const config::RunConfig& config) {
  if (device_type_of(config.run) != at::kCPU) return;
  const auto self = workers::worker_of_environment();
  const plan::Place place{.workers = self ? self->world_size : 1};
  plan::settle_recompute(config, nn::describe(config), place,
                         plan::room_on_this_host(self ? self->local_world_size : 1));
}

// A run may come to its end and have learned nothing on the way.
void check_end(const Settled& run, const RunResult& result) {
  constexpr int64_t kMany = 10;
  const bool only_idle = result.idle_steps > 0 && result.idle_steps == std::ssize(result.losses);
  STRATA_CHECK(result.idle_steps < kMany && !only_idle, "the last ", result.idle_steps,
               " steps changed nothing: they were ", "skipped, not finite or spikes; the model is that of step ",
               result.progress.step - result.idle_steps);
  const double guessing = std::log(static_cast<double>(run.config.model.vocab));
  if (std::ssize(result.losses) >= 2 * kMany && *std::ranges::min_element(result.losses) > guessing - 0.05) {
    log::warn(str("the loss is that of guessing one of ", run.config.model.vocab, " tokens, ln of it is ",
                  fixed(guessing, 2), ": the run has learned nothing; a lower optimizer.lr may help"));
  }
}

// train.stop_after may have ended it before, and so may a signal.
bool is_complete(const Settled& run, const RunResult& result) {
  return result.signal == 0 && result.progress.step == run.schedule.updates();
}

// Ids that no text has take memory and time, and never learn.
void check_vocabulary(const config::RunConfig& config, const data::Tokenizer& tokenizer) {
  data::warn_of_missing_end(tokenizer, {.bos = config.data.bos, .eos = config.data.eos});
  const int64_t pieces = tokenizer.vocab_size(), ids = config.model.vocab;
  if (4 * ids < 5 * pieces || ids - pieces < kVocabMultiple) return;
  log::warn(str("model.vocab=", ids, ", and data.tokenizer has ", pieces, " pieces: ", 100 * (ids - pieces) / ids,
                " % of embedding and head are never used (model.vocab=auto takes what is needed)"));
}

}  // namespace

RunResult pretrain(const config::RunConfig& config, const RunOptions& options) {
  if (!config.sft.model.empty()) {
    throw UsageError(str("sft.model=", config.sft.model, ": strata sft is what fine-tunes"));
  }
  prepare(config);
  check_memory(config);
  return run("pretrain", config, TrainingData(config), options);
}

RunResult fine_tune(const config::RunConfig& config, const RunOptions& options) {
  prepare(config);
  check_memory(config);
  return run("sft", config, SftData(config), options);
}

std::unique_ptr<RunInput> open_input(const config::RunConfig& config) {
  prepare(config);
  if (config.sft.model.empty()) return std::make_unique<TrainingData>(config);
  return std::make_unique<SftData>(config);
}

RunResult run(const std::string& command, const config::RunConfig& given, const RunInput& input,
              const RunOptions& options) {
  const config::RunConfig config = complete(given, input);
  train::outlive_failing_writes();
  const log::LastWords stopped(str("before a step of this process was made; ", config.run.dir, " is as it was"));
  const RunDevice device = open_device(config.run);
  Workers workers = join_workers(config, input, device);
  const auto gemm = common_gemm(config, device, *workers.communicator);
  const auto settled = settle(config, device, workers);
  const double peak = peak_gflops(*gemm, settled->config, device.device, *workers.communicator);
  const int64_t program = device.cuda ? 0 : resident_bytes();  // with what the matrix library keeps

  Built built(*settled, *gemm, device, workers);
  const bool says = options.says && workers.communicator->is_first();
  const Rate rate{.library = gemm->name(),
                  .gflops = peak,
                  .flops_per_token = input.flops_per_token(*settled),
                  .workers = workers.communicator->world_size()};
  if (says) {
    say_header(command, *settled, device, program, rate, input.description(*settled));
    for (const std::string& idle : idle_keys(settled->config)) log::warn(idle);
  }
  if (says && input.tokenizer() != nullptr) check_vocabulary(settled->config, *input.tokenizer());
  Begun begun(*settled, input, *gemm, built);
  if (workers.communicator->is_first()) {
    note_session(*settled, input, device,
                 {.command = command,
                  .gemm = gemm->name(),
                  .workers = workers.communicator->world_size(),
                  .from_step = begun.start.progress.step});
  }
  RunResult result{.progress = begun.start.progress, .losses = {}};
  const auto hooks = make_hooks(*settled, input, built.training, begun, says ? &rate : nullptr, options, result);
  workers.watch_each_other();
  train_until_the_end(*settled, input, device, built.training, hooks, says, result);
  if (begun.logs) begun.logs->flush();
  workers.leave();
  if (says && result.signal == 0) say_memory(*settled, device, program);
  if (result.signal == 0) check_end(*settled, result);
  if (is_complete(*settled, result) && begun.logs) note_end(*settled, result);
  if (says) say_end(*settled, result);
  return result;
}

}  // namespace strata::run
