#include "train.h"

#include <algorithm>

#include "strata/base/log.h"
#include "strata/nn/of_config.h"
#include "strata/train/signals.h"

namespace strata::run {
namespace {

data::BatchOptions batch_options(const Settled& run, std::vector<int64_t> mine) {
  return {.global_batch = run.config.train.global_batch,
          .micro_batch = run.config.train.micro_batch,
          .vocab_size = run.config.model.vocab,
          .mine = std::move(mine),
          .prefetch = run.config.data.prefetch,
          .shape = run.batch_shape};
}

}  // namespace

void train_until_the_end(const Settled& run, const RunInput& input, const RunDevice& device, train::Training& training,
                         const std::vector<std::unique_ptr<train::Hook>>& hooks, bool says, RunResult& result) {
  const config::RunConfig& config = run.config;
  workers::Communicator& workers = training.parallel.workers;
  const auto batches = input.batches(run, batch_options(run, training.division.micro_batches_of(workers.rank())),
                                     result.progress.cursor);
  if (says) {
    for (const std::string& line : batches->description(config.train.steps)) log::say("  " + line);
  }
  train::Step step(training.model, *training.optimizer, run.schedule, config.train, training.parallel);
  if (device.cuda) {
    training.model.clock().observe([&device](const char* phase) { device.cuda->enter_range(phase); });
    if (config.train.cuda_graph) step.use_graph(device.cuda->make_graph());
  }
  workers::LaggingVote give_up(workers);
  const auto is_stopped = [&workers] {
    workers.get_on();
    return train::stop_signal() != 0;
  };
  const auto next_batch = [&] {
    auto batch = batches->next_unless(is_stopped);
    if (workers::any(workers, is_stopped() || !batch)) batch.reset();  // all stop after the same step
    return batch;
  };
  train::listen_for_signals(config.checkpoint.grace_seconds, workers.is_first());
  train::run_training(step, config.train, next_batch, hooks,
                      {.last_step = run.schedule.updates(),
                       .stop_after = config.train.stop_after,
                       .telemetry_every = config.telemetry.every,
                       .reads_late = device.cuda != nullptr,
                       .give_up_step = [&] { return give_up(train::is_time_to_save()); }},
                      result.progress);
  const auto signals = workers::gather_numbers(workers, {static_cast<double>(train::stop_signal())});
  result.signal = static_cast<int>(std::ranges::max(signals));
}

}  // namespace strata::run
