// strata pretrain: builds the parts of a run, says what will run, and runs it.
#include <ATen/Parallel.h>

#include <iostream>

#include "command.h"
#include "header.h"
#include "runtime.h"
#include "strata/base/log.h"
#include "strata/base/machine.h"
#include "strata/base/text.h"
#include "strata/base/version.h"
#include "strata/config/print.h"
#include "strata/nn/trained.h"
#include "strata/train/resume.h"
#include "strata/train/run_folder.h"
#include "strata/train/training.h"
#include "training_data.h"
#include "training_hooks.h"
#include "training_loop.h"
#include "workers.h"

namespace strata::tools {
namespace {

train::CheckpointState fresh_state(const config::RunConfig& config, const TrainingData& data,
                                   const kernels::Gemm& gemm) {
  train::CheckpointState state{.progress = {},
                               .data_fingerprint = hex(data.fingerprint()),
                               .tokenizer_fingerprint = hex(data.tokenizer().fingerprint()),
                               .gemm = gemm.name(),
                               .threads = at::get_num_threads(),
                               .torch_version = torch_version(),
                               .strata_version = version()};
  state.progress.cursor.seed = static_cast<uint64_t>(config.run.seed);
  return state;
}

std::optional<train::RunFolder> open_folder(const config::RunConfig& config, const dist::Communicator& workers) {
  if (!workers.is_first()) return std::nullopt;
  std::optional<train::RunFolder> folder(std::in_place, config.run.dir);
  log::also_to_file(folder->path() / "log.txt");
  return folder;
}

void run(config::RunConfig config) {
  set_threads(config.run);
  const optim::Schedule schedule(config.schedule, config.optimizer.lr, config.train.steps);
  const TrainingData data(config);
  const RunDevice device = open_device(config.run);
  Workers workers = join_workers(config, data, device);
  dist::Communicator& group = *workers.group;
  const auto gemm = device.cuda ? kernels::make_cuda_gemm() : common_gemm(config.run, group);
  const nn::ModelSpec spec = nn::describe(config);
  RunMemory planned = settle_memory(config, spec, device, workers);
  const double peak = measured_peak(*gemm, config, device.device, group);
  if (!device.cuda) planned.program = resident_bytes();  // with what the matrix library keeps
  const auto folder = open_folder(config, group);
  check_shared(config.run.dir, group);

  Allocator memory(device.device);
  train::Training training(config, spec, *gemm, group, workers.save_group(), memory);
  train::CheckpointState state = fresh_state(config, data, *gemm);
  if (folder) {
    print_header("pretrain", config, spec, device, planned,
                 {.library = gemm->name(), .gflops = peak, .workers = group.world_size()});
  }
  const train::RunStart start{.anew =
                                  [&] {
                                    training.model.parameters().initialise(static_cast<uint64_t>(config.run.seed));
                                    begin_turns(training);
                                  },
                              .from_state = [&](const auto& saved) { restore_turns(training, saved); }};
  state.progress = train::begin_run(config, state, training.model.parameters(), *training.optimizer, start, group);
  std::optional<train::RunLogs> logs;
  if (folder) {
    folder->write_config(config);
    logs.emplace(folder->path(), state.progress.step);
  }
  const auto validation = data.validation(nn::batch_shape_for(config, device.device.type()));
  const auto hooks = make_hooks(config, training, state, validation.get(), logs ? &*logs : nullptr,
                                {.last_step = schedule.updates(),
                                 .flops_per_token = nn::flops_per_token(config.model, config.data.sequence_length),
                                 .peak_gflops = peak});
  train::Progress progress = state.progress;
  workers.watch_each_other();
  const int signal = train_until_the_end(config, schedule, data, device, training, hooks, progress);
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

}  // namespace

void add_pretrain(CLI::App& program) {
  const auto arguments = std::make_shared<ConfigArguments>();
  CLI::App* command = program.add_subcommand("pretrain", "train a model from one YAML file");
  add_config_option(*command, *arguments);
  add_override_option(*command, *arguments);
  command->footer([] { return "Keys:\n" + config::help(); });
  command->callback([arguments] { run(arguments->load()); });
}

}  // namespace strata::tools
