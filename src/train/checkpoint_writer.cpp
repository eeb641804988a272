#include "strata/train/checkpoint_writer.h"

#include <chrono>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/io/file.h"
#include "strata/train/retention.h"

namespace strata::train {
namespace {

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
  if (!config.checkpoint.asynchronous) return;
  copy_ = make_checkpoint_copy(arenas, memory);
  // The pages of the copy come while the first step runs, and not while the first save holds it up.
  thread_ = std::thread(
      [this] { for_each_pair(*copy_, *copy_, [](const at::Tensor& copy, const at::Tensor&) { copy.zero_(); }); });
}

CheckpointWriter::~CheckpointWriter() {
  if (thread_.joinable()) thread_.join();
}

void CheckpointWriter::save(const CheckpointState& state, RunLogs& logs) {
  using Clock = std::chrono::steady_clock;
  const auto asked = Clock::now();
  finish();
  const double waited = std::chrono::duration<double>(Clock::now() - asked).count();
  if (waited > 0.1) log::info(str("waited ", fixed(waited, 1), " s for the checkpoint before this one to be written"));
  try {
    logs.flush();
  } catch (const Error& failure) {
    failure_ = failure.what();
    log::warn(str("no checkpoint at step ", state.progress.step, ": ", *failure_));
    return;
  }
  logs_ = {logs.metrics.path(), logs.layers.path(), logs.evaluations.path()};
  if (!copy_) return write(arenas_, state);
  for_each_pair(*copy_, arenas_, [](const at::Tensor& copy, const at::Tensor& arena) { copy.copy_(arena); });
  thread_ = std::thread([this, state] { write(*copy_, state); });
}

std::optional<std::string> CheckpointWriter::finish() {
  if (thread_.joinable()) thread_.join();
  return failure_;
}

void CheckpointWriter::write(const TrainingArenas& arenas, const CheckpointState& state) {
  const auto path = checkpoint_path(run_, state.progress.step);
  try {
    for (const auto& log : logs_) io::sync_file(log);
    write_checkpoint(path, {.config = config_, .layout = layout_, .arenas = arenas, .state = state});
  } catch (const std::exception& failure) {
    failure_ = failure.what();
    log::warn(*failure_ + "; the run goes on, what was saved before stays");
    return;
  }
  saved_step_ = state.progress.step;
  failure_.reset();
  try {
    prune_checkpoints(run_, config_.checkpoint);
  } catch (const std::exception& failure) {
    log::warn(str("cannot remove old checkpoints: ", failure.what()));
  }
}

}  // namespace strata::train
