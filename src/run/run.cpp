#include "strata/run/run.h"

#include "begin.h"
#include "build.h"
#include "hooks.h"
#include "say.h"
#include "sft_data.h"
#include "strata/base/check.h"
#include "strata/base/machine.h"
#include "strata/run/measure.h"
#include "train.h"
#include "training_data.h"

namespace strata::run {
namespace {

// A program may have made the config by itself.
void prepare(const config::RunConfig& config) {
  check_config(config);
  set_threads(config.run);
}

}  // namespace

RunResult pretrain(const config::RunConfig& config, const RunOptions& options) {
  if (!config.sft.model.empty()) {
    throw UsageError(str("sft.model=", config.sft.model, ": strata sft is what fine-tunes"));
  }
  prepare(config);
  return run("pretrain", config, TrainingData(config), options);
}

RunResult fine_tune(const config::RunConfig& config, const RunOptions& options) {
  prepare(config);
  return run("sft", config, SftData(config), options);
}

RunResult run(const std::string& command, const config::RunConfig& given, const RunInput& input,
              const RunOptions& options) {
  const config::RunConfig config = with_steps(given, input);
  const RunDevice device = open_device(config.run);
  Workers workers = join_workers(config, input, device);
  const auto gemm = common_gemm(config.run, device, *workers.communicator);
  const auto settled = settle(config, device, workers);
  const double peak = peak_gflops(*gemm, settled->config, device.device, *workers.communicator);
  const int64_t program = device.cuda ? 0 : resident_bytes();  // with what the matrix library keeps

  Built built(*settled, *gemm, device, workers);
  const bool says = options.says && workers.communicator->is_first();
  const Rate rate{.library = gemm->name(),
                  .gflops = peak,
                  .flops_per_token = input.flops_per_token(*settled),
                  .workers = workers.communicator->world_size()};
  if (says) say_header(command, *settled, device, program, rate, input.description(*settled));
  Begun begun(*settled, input, *gemm, built);
  RunResult result{.progress = begun.start.progress, .losses = {}};
  const auto hooks = make_hooks(*settled, input, built.training, begun, says ? &rate : nullptr, options, result);
  workers.watch_each_other();
  train_until_the_end(*settled, input, device, built.training, hooks, result);
  if (begun.logs) begun.logs->flush();
  workers.leave();
  if (says && result.signal == 0) say_memory(*settled, device, program);
  if (says) say_end(*settled, result);
  return result;
}

}  // namespace strata::run
