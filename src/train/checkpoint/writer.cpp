#include "strata/train/checkpoint/writer.h"

#include <chrono>
#include <cstring>
#include <exception>

#include "strata/base/arena_operations.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/io/file.h"
#include "strata/train/checkpoint/retention.h"

namespace strata::train {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// What both have. Each rises.
std::vector<ArenaRange> common_ranges(const std::vector<ArenaRange>& one, const std::vector<ArenaRange>& other) {
  std::vector<ArenaRange> parts;
  for (const ArenaRange& range : one) {
    each_part(other, range, [&](const ArenaRange& part, int64_t) { parts.push_back(part); });
  }
  return parts;
}

}  // namespace

CheckpointWriter::CheckpointWriter(const config::RunConfig& config, const nn::Parameters& parameters,
                                   ParameterGather& gather, const optim::Optimizer& optimizer,
                                   const std::vector<ArenaRange>& ranges, bool saves_master, SaveGroup group,
                                   Allocator& allocator)
    : run_(config.run.dir),
      config_(config),
      parameters_(parameters),
      gather_(gather),
      optimizer_(optimizer),
      ranges_(ranges),
      saves_master_(saves_master),
      group_(std::move(group)) {
  const auto untouched = [&](const std::string& name, int64_t size, at::ScalarType dtype) {
    return allocator.untouched(MemoryClass::kCheckpointCopy, "copy of " + name, {size}, dtype);
  };
  const bool asynchronous = config.checkpoint.asynchronous;
  if (saves_master && (asynchronous || parameters.shares_master())) {
    master_copy_ = untouched("parameters", parameters.layout().arena_size, parameters.master().scalar_type());
  }
  if (!asynchronous) return;
  states_copy_ = {.params = {}, .ranges = ranges, .states = {}};
  const OptimizerStates states = states_of(optimizer);
  for (size_t index = 0; index < states.states.size(); ++index) {
    const auto& state = states.states[index];
    const std::vector<ArenaRange> saved = common_ranges(ranges_of(states, index), ranges);
    states_copy_->states.push_back({.name = state.name,
                                    .values = untouched(state.name, total_size(saved), state.values.scalar_type()),
                                    .ranges = saved,
                                    .is_of = state.is_of});
  }
}

CheckpointWriter::~CheckpointWriter() {
  if (std::uncaught_exceptions() > 0) group_.give_up();  // the others may be gone
  if (thread_.joinable()) thread_.join();
}

void CheckpointWriter::warm_up() {
  if (!states_copy_ || thread_.joinable()) return;
  thread_ = std::thread([this] {
    const auto touch = [](const at::Tensor& copy) { std::memset(copy.mutable_data_ptr(), 0, copy.nbytes()); };
    if (master_copy_.defined()) touch(master_copy_);
    for (const auto& state : states_copy_->states) touch(state.values);
  });
}

// No checkpoint may be ahead of the logs.
std::optional<std::string> CheckpointWriter::flush(int64_t step, RunLogs* logs) {
  if (logs == nullptr) return std::nullopt;
  logs_.clear();
  for (const io::JsonLines* log : logs->all()) logs_.push_back(log->path());
  try {
    logs->flush();
  } catch (const Error& failure) {
    return str("no checkpoint at step ", step, ": ", failure.what());
  }
  return std::nullopt;
}

// A collective where workers share master values.
void CheckpointWriter::copy() {
  if (master_copy_.defined() || parameters_.shares_master()) gather_.collect_master(master_copy_);
  if (!states_copy_) return;
  const OptimizerStates states = states_of(optimizer_);
  states_copy_->params = states.params;
  for (size_t state = 0; state < states.states.size(); ++state) {
    for (const ArenaRange& range : *states_copy_->states[state].ranges) {
      copy_arena(state_at(*states_copy_, state, range), state_at(states, state, range));
    }
  }
}

// What there is to write.
TrainingArenas CheckpointWriter::arenas() const {
  TrainingArenas arenas{.parameters = master_copy_, .optimizer = states_copy_ ? *states_copy_ : states_of(optimizer_)};
  if (saves_master_ && !master_copy_.defined()) arenas.parameters = parameters_.master();
  return arenas;
}

void CheckpointWriter::save(const CheckpointState& state, RunLogs* logs) {
  const auto asked = Clock::now();
  finish();
  if (const double waited = seconds_since(asked); waited > 0.1) {
    log::info(str("waited ", fixed(waited, 1), " s for the checkpoint before this one to be written"));
  }
  saving_ = {.step = state.progress.step, .failure = flush(state.progress.step, logs)};
  is_written_ = false;
  copy();  // also where there is nothing to write: the others may wait for this worker's master values
  group_.begin();
  if (saving_.failure) {
    group_.opened(*saving_.failure);
    is_written_ = true;
    return report();
  }
  if (states_copy_) {
    saving_.held_up = seconds_since(asked);
    thread_ = std::thread([this, state] { write(arenas(), state); });
  } else {
    write(arenas(), state);
    saving_.held_up = seconds_since(asked);
    report();
  }
}

void CheckpointWriter::report() {
  if (!is_written_.exchange(false)) return;
  failure_ = saving_.failure;
  if (!failure_) saved_step_ = saving_.step;
  if (!group_.is_first()) return;
  if (failure_) return log::warn(*failure_ + "; the run goes on, what was saved before stays");
  log::info(str("checkpoint of step ", saved_step_, ": ", human_bytes(saving_.bytes), " in ",
                significant(saving_.seconds, 2), " s, the run stood still for ", significant(saving_.held_up, 2),
                " s of it"));
}

std::optional<std::string> CheckpointWriter::finish() {
  if (thread_.joinable()) thread_.join();
  report();
  return failure_;
}

void CheckpointWriter::write(const TrainingArenas& arenas, const CheckpointState& state) {
  const auto begun = Clock::now();
  try {
    for (const auto& log : logs_) io::sync_file(log);
    const CheckpointContents contents{
        .config = config_, .layout = parameters_.layout(), .arenas = arenas, .ranges = ranges_, .state = state};
    const Manifest manifest = write_checkpoint(checkpoint_path(run_, state.progress.step), contents, group_);
    for (const auto& [name, seal] : manifest) saving_.bytes += static_cast<int64_t>(seal.bytes);
  } catch (const std::exception& failure) {
    saving_.failure = failure.what();
  }
  try {
    if (!saving_.failure && group_.is_first()) prune_checkpoints(run_, config_.checkpoint);
  } catch (const std::exception& failure) {
    log::warn(str("cannot remove old checkpoints: ", failure.what()));
  }
  saving_.seconds = saving_.held_up + seconds_since(begun);
  is_written_ = true;
}

}  // namespace strata::train
