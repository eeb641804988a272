// strata pretrain: builds the parts of a run, says what will run, and runs it.
#include <ATen/Parallel.h>

#include <iostream>

#include "command.h"
#include "header.h"
#include "runtime.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/base/version.h"
#include "strata/config/print.h"
#include "strata/train/hooks.h"
#include "strata/train/resume.h"
#include "strata/train/run_folder.h"
#include "strata/train/signals.h"
#include "training_data.h"

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

std::vector<std::unique_ptr<train::Hook>> make_hooks(const config::RunConfig& config, nn::Model& model,
                                                     const train::CheckpointState& state,
                                                     const data::ValidationSet* validation,
                                                     train::CheckpointWriter& writer, train::RunLogs& logs,
                                                     const train::ConsoleFacts& facts) {
  const bool watches_spikes = config.train.spike.action != config::SpikeAction::kNone;
  std::vector<std::unique_ptr<train::Hook>> hooks;
  hooks.push_back(train::metrics_files(logs, model, watches_spikes));
  if (config.telemetry.tensorboard) hooks.push_back(train::tensorboard_files(config.run.dir, state.progress));
  hooks.push_back(train::console(facts));
  if (validation != nullptr) {
    hooks.push_back(train::evaluation(logs, config.evaluate, model, *validation, facts.last_step));
  }
  hooks.push_back(train::checkpoints(config.checkpoint, state, writer, logs));
  return hooks;
}

void run(const config::RunConfig& config) {
  const auto gemm = start(config.run);
  const optim::Schedule schedule(config.schedule, config.optimizer.lr, config.train.steps);
  const TrainingData data(config);
  const train::RunFolder folder(config.run.dir);
  log::also_to_file(folder.path() / "log.txt");

  const nn::ModelSpec spec = nn::describe(config.model, config.norm);
  Allocator memory(at::kCPU);
  nn::Model model(spec, nn::options_for(config), *gemm, memory);
  const auto optimizer = optim::make_optimizer(config.optimizer, spec.layout.params, spec.layout.arena_size,
                                               model.parameters().master().scalar_type(), memory);
  train::CheckpointWriter writer(folder.path(), config, spec.layout,
                                 {.parameters = model.parameters().master(), .states = optimizer->states()}, memory);
  const double peak = measured_peak(*gemm, config.model);
  print_header("pretrain", config, spec, memory, {.library = gemm->name(), .gflops = peak});

  train::CheckpointState state = fresh_state(config, data, *gemm);
  state.progress = train::begin_run(config, state, model.parameters(), *optimizer);
  folder.write_config(config);
  train::RunLogs logs(folder.path(), state.progress.step);
  data::BatchLoader loader = data.loader(state.progress.cursor);
  const auto validation = data.validation();
  const auto hooks = make_hooks(config, model, state, validation.get(), writer, logs,
                                {.last_step = schedule.updates(),
                                 .flops_per_token = nn::flops_per_token(config.model, config.data.sequence_length),
                                 .peak_gflops = peak});
  train::Step step(model, *optimizer, schedule, config.train);
  train::Progress progress = state.progress;
  const auto stop_requested = [] { return train::stop_signal() != 0; };
  train::listen_for_signals(config.checkpoint.grace_seconds);
  train::run_training(
      step, spec, config.train, [&] { return loader.next_unless(stop_requested); }, hooks,
      {.last_step = schedule.updates(),
       .stop_after = config.train.stop_after,
       .telemetry_every = config.telemetry.every,
       .stop_requested = stop_requested,
       .give_up_step = train::is_time_to_save},
      progress);
  logs.flush();
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
