// strata pretrain: builds the parts of a run, says what will run, and runs it.
#include <ATen/Parallel.h>

#include <iostream>

#include "command.h"
#include "header.h"
#include "runtime.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/config/print.h"
#include "strata/train/hooks.h"
#include "strata/train/run_folder.h"
#include "strata/train/stop_signal.h"
#include "training_data.h"

namespace strata::tools {
namespace {

train::CheckpointState resume(const config::RunConfig& config, const nn::Parameters& parameters,
                              optim::Optimizer& optimizer) {
  train::CheckpointState fresh;
  fresh.progress.cursor.seed = static_cast<uint64_t>(config.run.seed);
  parameters.initialise(static_cast<uint64_t>(config.run.seed));
  if (config.train.resume == "none") return fresh;
  std::optional<std::filesystem::path> path = config.train.resume;
  if (config.train.resume == "auto") path = train::newest_checkpoint(config.run.dir);
  if (!path) return fresh;
  train::CheckpointState state = train::load_checkpoint(*path, parameters, optimizer);
  log::info(str("resuming from ", path->string(), " at step ", state.progress.step));
  return state;
}

std::vector<std::unique_ptr<train::Hook>> make_hooks(const config::RunConfig& config, nn::Model& model,
                                                     const optim::Optimizer& optimizer,
                                                     const train::CheckpointState& state,
                                                     const data::ValidationSet* validation,
                                                     const train::ConsoleFacts& facts) {
  const std::filesystem::path run = config.run.dir;
  std::vector<std::unique_ptr<train::Hook>> hooks;
  hooks.push_back(train::metrics_files(run, model, state.progress));
  if (config.telemetry.tensorboard) hooks.push_back(train::tensorboard_files(run, state.progress));
  hooks.push_back(train::console(facts));
  if (validation != nullptr) {
    hooks.push_back(train::evaluation(run, config.evaluate, model, *validation, state.progress));
  }
  hooks.push_back(train::checkpoints(run, config, state, model.parameters(), optimizer));
  return hooks;
}

void run(const config::RunConfig& config) {
  const auto gemm = start(config.run);
  const optim::Schedule schedule(config.schedule, config.optimizer.lr, config.train.steps);
  const TrainingData data(config);
  const train::RunFolder folder(config);
  log::also_to_file(folder.path() / "log.txt");

  const nn::ModelSpec spec = nn::describe(config.model, config.norm);
  Allocator memory(at::kCPU);
  nn::Model model(spec, nn::options_for(config), *gemm, memory);
  const auto optimizer = optim::make_optimizer(config.optimizer, spec.layout.params, spec.layout.arena_size,
                                               model.parameters().master().scalar_type(), memory);
  const double peak = measured_peak(*gemm, config.model);
  print_header("pretrain", config, spec, memory, {.library = gemm->name(), .gflops = peak});

  train::CheckpointState state = resume(config, model.parameters(), *optimizer);
  state.gemm = gemm->name();
  state.threads = at::get_num_threads();
  data::BatchLoader loader = data.loader(state.progress.cursor);
  state.data_fingerprint = std::to_string(loader.shards().fingerprint());
  const auto validation = data.validation();
  const auto hooks = make_hooks(config, model, *optimizer, state, validation.get(),
                                {.last_step = schedule.updates(),
                                 .flops_per_token = nn::flops_per_token(config.model, config.data.sequence_length),
                                 .peak_gflops = peak});
  train::Step step(model, *optimizer, schedule, config.train);
  train::Progress progress = state.progress;
  train::listen_for_stop_signals();
  train::run_training(
      step, spec, [&] { return loader.next(); }, hooks,
      {.last_step = schedule.updates(),
       .stop_after = config.train.stop_after,
       .telemetry_every = config.telemetry.every,
       .on_nonfinite = config.train.on_nonfinite,
       .stop_requested = [] { return train::stop_signal() != 0; }},
      progress);
  if (const int signal = train::stop_signal(); signal != 0) {
    log::info(str("stopped by signal ", signal, " after step ", progress.step, "; the checkpoint is saved"));
    throw Stopped{128 + signal};
  }
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
