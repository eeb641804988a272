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

}  // namespace

TrainingArenas make_checkpoint_copy(const TrainingArenas& arenas, const std::vector<ArenaRange>& ranges,
                                    Allocator& allocator) {
  const auto untouched = [&](const std::string& name, int64_t size, at::ScalarType dtype) {
    return allocator.untouched(MemoryClass::kCheckpointCopy, "copy of " + name, {size}, dtype);
  };
  TrainingArenas copy{.parameters = {}, .optimizer = {.params = {}, .ranges = ranges, .states = {}}};
  if (const at::Tensor& parameters = arenas.parameters; parameters.defined()) {
    copy.parameters = untouched("parameters", parameters.numel(), parameters.scalar_type());
  }
  int64_t size = 0;
  for (const ArenaRange& range : ranges) size += range.size();
  for (const auto& state : arenas.optimizer.states) {
    copy.optimizer.states.push_back({state.name, untouched(state.name, size, state.values.scalar_type())});
  }
  return copy;
}

CheckpointWriter::CheckpointWriter(const config::RunConfig& config, const nn::ParameterLayout& layout,
                                   const at::Tensor& parameters, const optim::Optimizer& optimizer,
                                   const std::vector<ArenaRange>& ranges, SaveGroup group, Allocator& allocator)
    : run_(config.run.dir),
      config_(config),
      layout_(layout),
      parameters_(parameters),
      optimizer_(optimizer),
      ranges_(ranges),
      group_(std::move(group)) {
  if (config.checkpoint.asynchronous) copy_ = make_checkpoint_copy(arenas(), ranges, allocator);
}

CheckpointWriter::~CheckpointWriter() {
  if (std::uncaught_exceptions() > 0) group_.give_up();  // the others may be gone
  if (thread_.joinable()) thread_.join();
}

void CheckpointWriter::warm_up() {
  if (!copy_ || thread_.joinable()) return;
  thread_ = std::thread([this] {
    const auto touch = [](const at::Tensor& copy) { std::memset(copy.mutable_data_ptr(), 0, copy.nbytes()); };
    if (copy_->parameters.defined()) touch(copy_->parameters);
    for (const auto& state : copy_->optimizer.states) touch(state.values);
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

void CheckpointWriter::copy(const TrainingArenas& arenas) {
  copy_->optimizer.params = arenas.optimizer.params;
  if (copy_->parameters.defined()) copy_arena(copy_->parameters, arenas.parameters);
  for (size_t state = 0; state < copy_->optimizer.states.size(); ++state) {
    for (const ArenaRange& range : ranges_) {
      copy_arena(state_at(copy_->optimizer, state, range), state_at(arenas.optimizer, state, range));
    }
  }
}

void CheckpointWriter::save(const CheckpointState& state, RunLogs* logs) {
  const auto asked = Clock::now();
  finish();
  if (const double waited = seconds_since(asked); waited > 0.1) {
    log::info(str("waited ", fixed(waited, 1), " s for the checkpoint before this one to be written"));
  }
  saving_ = {.step = state.progress.step, .failure = flush(state.progress.step, logs)};
  is_written_ = false;
  group_.begin();
  if (saving_.failure) {
    group_.opened(*saving_.failure);
    is_written_ = true;
    return report();
  }
  if (copy_) {
    copy(arenas());
    saving_.held_up = seconds_since(asked);
    thread_ = std::thread([this, state] { write(*copy_, state); });
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
        .config = config_, .layout = layout_, .arenas = arenas, .ranges = ranges_, .state = state};
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
