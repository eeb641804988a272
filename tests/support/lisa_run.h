#pragma once

#include "strata/train/checkpoint/files.h"
#include "strata/train/hooks.h"
#include "strata/train/training.h"
#include "support/models.h"

namespace strata::test {

struct LisaCase {
  std::string scheme = "pre+gpas";
  config::LisaStates states = config::LisaStates::kKeep;
  config::LisaSampling sampling = config::LisaSampling::kUniform;
  config::Precision precision = config::Precision::kFp32;
  config::Rounding rounding = config::Rounding::kNearest;
  bool fine_tunes = true;  // and freezes the gates
  config::OptimizerKind kind = config::OptimizerKind::kAdamw;
};
std::string name_of(const LisaCase& one);
void PrintTo(const LisaCase& one, std::ostream* out);

/// A run of 12 steps of a tiny model, two of whose four layers train at a time, others every three steps.
config::RunConfig lisa_config(const LisaCase& one, const std::filesystem::path& run);

/// Its micro-batches of update `index` that this worker computes; of some updates the last one is empty.
data::GlobalBatch lisa_batch(const train::Division& division, int rank, int64_t index, int64_t vocab);

/// What a worker of such a run holds. It begins anew or at the newest checkpoint of run.dir; gates are not nought.
struct LisaRun {
  LisaRun(const config::RunConfig& config, workers::Communicator& workers);

  /// Until options.last_step, or the config's. hooks: beside the one that draws layers.
  void run(std::vector<std::unique_ptr<train::Hook>> hooks = {}, train::LoopOptions options = {});

  /// With metrics.jsonl, layers.jsonl and checkpoints of run.dir: at the end there is one.
  void run_with_files(const train::LoopOptions& options = {});

  nn::Parameters& parameters() { return training.model.parameters(); }
  const nn::Parameters& parameters() const { return training.model.parameters(); }
  const std::vector<ParamSpec>& params() const { return training.model.spec().layout.params; }
  /// What a checkpoint would have.
  std::optional<train::LisaState> lisa() const;

  config::RunConfig config;
  std::unique_ptr<kernels::Gemm> gemm;
  Allocator allocator{at::kCPU};
  train::Training training;
  optim::Schedule schedule;
  train::CheckpointState start;
  train::Progress progress;
};

/// Parameters and the optimizer's states, bit by bit.
void expect_same_bits(const LisaRun& one, const LisaRun& other);

}  // namespace strata::test
