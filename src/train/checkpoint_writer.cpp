#include "strata/train/checkpoint_writer.h"

#include <chrono>
#include <cstring>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/io/file.h"
#include "strata/train/progress_line.h"
#include "strata/train/retention.h"

namespace strata::train {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Calls f(one, other) for each pair of arenas.
void for_each_pair(const TrainingArenas& ones, const TrainingArenas& others, const auto& f) {
  f(ones.parameters, others.parameters);
  for (size_t i = 0; i < ones.states.size(); ++i) f(ones.states[i].arena, others.states[i].arena);
}

}  // namespace

TrainingArenas make_checkpoint_copy(const TrainingArenas& arenas, Allocator& memory) {
  const auto like = [&](const std::string& name, const at::Tensor& arena) {
    return memory.untouched(MemoryClass::kCheckpointCopy, "copy of " + name, arena.sizes(), arena.scalar_type());
  };
  TrainingArenas copy{.parameters = like("parameters", arenas.parameters), .states = {}};
  for (const auto& state : arenas.states) copy.states.push_back({state.name, like("adam " + state.name, state.arena)});
  return copy;
}

CheckpointWriter::CheckpointWriter(std::filesystem::path run, const config::RunConfig& config,
                                   const nn::ParameterLayout& layout, const TrainingArenas& arenas, Allocator& memory)
    : run_(std::move(run)), config_(config), layout_(layout), arenas_(arenas) {
  if (config.checkpoint.asynchronous) copy_ = make_checkpoint_copy(arenas, memory);
}

CheckpointWriter::~CheckpointWriter() {
  if (thread_.joinable()) thread_.join();
}

void CheckpointWriter::warm_up() {
  if (!copy_ || thread_.joinable()) return;
  thread_ = std::thread([this] {
    for_each_pair(*copy_, *copy_, [](const at::Tensor& copy, const at::Tensor&) {
      std::memset(copy.mutable_data_ptr(), 0, copy.nbytes());
    });
  });
}

void CheckpointWriter::save(const CheckpointState& state, RunLogs& logs) {
  const auto asked = Clock::now();
  finish();
  if (const double waited = seconds_since(asked); waited > 0.1) {
    leave_progress_line();
    log::info(str("waited ", fixed(waited, 1), " s for the checkpoint before this one to be written"));
  }
  saving_ = {.step = state.progress.step};
  is_written_ = false;
  logs_ = {logs.metrics.path(), logs.layers.path(), logs.evaluations.path()};
  try {
    logs.flush();
  } catch (const Error& failure) {
    saving_.failure = str("no checkpoint at step ", state.progress.step, ": ", failure.what());
    is_written_ = true;
    return report();
  }
  if (copy_) {
    for_each_pair(*copy_, arenas_, [](const at::Tensor& copy, const at::Tensor& arena) { copy.copy_(arena); });
    saving_.held_up = seconds_since(asked);
    thread_ = std::thread([this, state] { write(*copy_, state); });
  } else {
    write(arenas_, state);
    saving_.held_up = seconds_since(asked);
    report();
  }
}

void CheckpointWriter::report() {
  if (!is_written_.exchange(false)) return;
  failure_ = saving_.failure;
  leave_progress_line();
  if (failure_) return log::warn(*failure_ + "; the run goes on, what was saved before stays");
  saved_step_ = saving_.step;
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
    const Manifest manifest =
        write_checkpoint(checkpoint_path(run_, state.progress.step),
                         {.config = config_, .layout = layout_, .arenas = arenas, .state = state});
    for (const auto& [name, seal] : manifest) saving_.bytes += static_cast<int64_t>(seal.bytes);
  } catch (const std::exception& failure) {
    saving_.failure = failure.what();
  }
  try {
    if (!saving_.failure) prune_checkpoints(run_, config_.checkpoint);
  } catch (const std::exception& failure) {
    log::warn(str("cannot remove old checkpoints: ", failure.what()));
  }
  saving_.seconds = saving_.held_up + seconds_since(begun);
  is_written_ = true;
}

}  // namespace strata::train
