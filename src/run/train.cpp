#include "train.h"

#include <algorithm>

#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/io/file.h"
#include "strata/nn/of_config.h"
#include "strata/train/run_folder.h"
#include "strata/train/signals.h"
#include "strata/workers/lagging_vote.h"

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

void write_data_file(const Settled& run, const RunResult& result) {
  if (result.data.empty()) return;
  io::write_atomically(train::data_file(run.config.run.dir), join(result.data, "\n") + "\n");
}

// What became of the data: on the screen, for the run's end, and for who asks later. The header has the input's part.
void note_data(const Settled& run, const RunInput& input, const std::vector<std::string>& of_batches, bool says,
               RunResult& result) {
  if (says) {
    for (const std::string& line : of_batches) log::say("  " + line);
  }
  result.data = input.description(run);
  result.data.insert(result.data.end(), of_batches.begin(), of_batches.end());
  write_data_file(run, result);
}

// How often the data were read, as far as the run has come.
void note_read(const Settled& run, const data::BatchSource& batches, RunResult& result) {
  const std::vector<std::string> read = batches.read_before(result.progress.cursor);
  result.data.insert(result.data.end(), read.begin(), read.end());
  write_data_file(run, result);
}

}  // namespace

void train_until_the_end(const Settled& run, const RunInput& input, const RunDevice& device, train::Training& training,
                         const std::vector<std::unique_ptr<train::Hook>>& hooks, bool says, RunResult& result) {
  const config::RunConfig& config = run.config;
  workers::Communicator& workers = training.parallel.workers;
  const auto batches = input.batches(run, batch_options(run, training.division.micro_batches_of(workers.rank())),
                                     result.progress.cursor);
  if (workers.is_first()) note_data(run, input, batches->description(config.train.steps), says, result);
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
  if (workers.is_first()) note_read(run, *batches, result);
  const auto signals = workers::gather_numbers(workers, {static_cast<double>(train::stop_signal())});
  result.signal = static_cast<int>(std::ranges::max(signals));
}

}  // namespace strata::run
