#pragma once

#include "strata/config/data.h"
#include "strata/config/lisa.h"
#include "strata/config/model.h"
#include "strata/config/norm.h"
#include "strata/config/optimizer.h"
#include "strata/config/outputs.h"
#include "strata/config/parallel.h"
#include "strata/config/run.h"
#include "strata/config/sft.h"
#include "strata/config/train.h"

namespace strata::config {

/// Everything that decides a run. Each struct names its keys once, in fields(); loading and printing go through that.
struct RunConfig {
  RunSettings run;
  ModelConfig model;
  NormConfig norm;
  DataConfig data;
  TrainConfig train;
  OptimizerConfig optimizer;
  ScheduleConfig schedule;
  ParallelConfig parallel = {};
  CheckpointConfig checkpoint;
  TelemetryConfig telemetry;
  EvaluateConfig evaluate;
  SftConfig sft;
  LisaConfig lisa;

  void fields(auto& field) {
    field("run", run, "this process and its machine");
    field("model", model, "the shape of the decoder");
    field("norm", norm, "how it is normalised");
    field("data", data, "what it reads");
    field("train", train, "the optimizer steps");
    field("optimizer", optimizer, "how gradients become updates");
    field("schedule", schedule, "the learning rate over the steps");
    field("parallel", parallel, "several workers");
    field("checkpoint", checkpoint, "what is left to resume from");
    field("telemetry", telemetry, "what the run measures about itself");
    field("evaluate", evaluate, "the loss on the validation set");
    field("sft", sft, "fine-tuning");
    field("lisa", lisa, "layers that train by turns (LISA, arXiv 2403.17919)");
  }

  /// Where the order of rows and samples starts: data.seed, or run.seed.
  uint64_t order_seed() const {
    return static_cast<uint64_t>(data.seed == DataConfig::kRunSeed ? run.seed : data.seed);
  }

  /// Throws KeyError where keys do not fit together.
  void validate() const;

  bool operator==(const RunConfig&) const = default;
};

}  // namespace strata::config
