#include "training_run.h"

#include <ATen/Parallel.h>

#include <iostream>

#include "command.h"
#include "header.h"
#include "runtime.h"
#include "strata/base/log.h"
#include "strata/base/machine.h"
#include "strata/base/text.h"
#include "strata/base/version.h"
#include "strata/nn/of_config.h"
#include "strata/train/resume.h"
#include "strata/train/run_folder.h"
#include "training_hooks.h"
#include "training_loop.h"
#include "workers.h"

namespace strata::tools {
namespace {

train::CheckpointState fresh_state(const config::RunConfig& config, const RunInput& input, const kernels::Gemm& gemm) {
  train::CheckpointState state{.progress = {},
                               .data_fingerprint = hex(input.fingerprint()),
                               .tokenizer_fingerprint = hex(input.tokenizer().fingerprint()),
                               .gemm = gemm.name(),
                               .threads = at::get_num_threads(),
                               .torch_version = torch_version(),
                               .strata_version = version(),
                               .model_fingerprint = input.model_fingerprint()};
  state.progress.cursor.seed = static_cast<uint64_t>(config.run.seed);
  return state;
}

std::optional<train::RunFolder> open_folder(const config::RunConfig& config, const workers::Communicator& workers) {
  if (!workers.is_first()) return std::nullopt;
  std::optional<train::RunFolder> folder(std::in_place, config.run.dir);
  log::also_to_file(folder->path() / "log.txt");
  return folder;
}

train::Progress begin(const config::RunConfig& config, const RunInput& input, const train::CheckpointState& state,
                      train::Training& training) {
  const auto anew = [&] {
    input.initialise(training.model.parameters());
    begin_turns(training);
  };
  const auto from_state = [&](const train::CheckpointState& saved) { restore_turns(training, saved); };
  return train::begin_run(config, state, training.model.parameters(), *training.optimizer,
                          {.anew = anew, .from_state = from_state}, training.parallel.workers);
}

}  // namespace

void train_model(const std::string& command, config::RunConfig config, const RunInput& input) {
  const optim::Schedule schedule(config.schedule, config.optimizer.lr, config.train.steps);
  const RunDevice device = open_device(config.run);
  Workers workers = join_workers(config, input, device);
  workers::Communicator& group = *workers.group;
  const auto gemm = device.cuda ? kernels::make_cuda_gemm() : common_gemm(config.run, group);
  const nn::ModelSpec spec = nn::describe(config);
  RunMemory planned = settle_memory(config, spec, device, workers);
  const double peak = measured_peak(*gemm, config, device.device, group);
  if (!device.cuda) planned.program = resident_bytes();  // with what the matrix library keeps
  const auto folder = open_folder(config, group);
  check_shared(config.run.dir, group);

  Allocator memory(device.device);
  train::Training training(config, spec, *gemm, group, workers.save_group(), memory);
  train::CheckpointState state = fresh_state(config, input, *gemm);
  if (folder) {
    print_header(command, config, spec, device, planned,
                 {.library = gemm->name(),
                  .gflops = peak,
                  .flops_per_token = input.flops_per_token(),
                  .workers = group.world_size()});
    for (const std::string& line : input.description()) std::cout << "  " << line << "\n" << std::flush;
  }
  state.progress = begin(config, input, state, training);
  std::optional<train::RunLogs> logs;
  if (folder) {
    folder->write_config(config);
    const int64_t step = state.progress.step;
    const bool scores_tasks = !config.evaluate.tasks.names.empty();
    logs.emplace(folder->path(), step > 0 ? step : -1, scores_tasks);  // what begins anew is evaluated anew
  }
  const auto hooks =
      make_hooks(config, input, training, state, logs ? &*logs : nullptr,
                 {.last_step = schedule.updates(), .flops_per_token = input.flops_per_token(), .peak_gflops = peak});
  train::Progress progress = state.progress;
  workers.watch_each_other();
  const int signal = train_until_the_end(config, schedule, input, device, training, hooks, progress);
  if (logs) logs->flush();
  workers.leave();
  if (signal != 0) {
    log::info(str("stopped by signal ", signal, " after step ", progress.step, "; the checkpoint is saved"));
    throw Stopped{128 + signal};
  }
  if (!folder) return;
  print_memory(planned, device);
  std::cout << "done: step " << progress.step << ", " << with_commas(progress.tokens) << " tokens, in "
            << config.run.dir << "\n"
            << std::flush;
}

}  // namespace strata::tools
