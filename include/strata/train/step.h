#pragma once

#include <functional>
#include <optional>

#include "strata/config/train.h"
#include "strata/data/loader.h"
#include "strata/nn/model.h"
#include "strata/optim/optimizer.h"
#include "strata/optim/schedule.h"
#include "strata/train/data_parallel.h"
#include "strata/train/layer_statistics.h"
#include "strata/train/progress.h"

namespace strata::train {

/// What one optimizer step did.
struct StepReport {
  int64_t step = 0;  // updates made, this one included: from 1
  double loss = 0.0;
  double rate = 0.0;
  optim::GradientNorms norms;  // before clipping
  optim::ClipFactors clip;
  SpikeScores scores;
  int64_t tokens = 0;
  int64_t targets = 0;
  double wait_seconds = 0.0;  // for the batch to be ready
  dist::CommunicationTime communication;
  bool finite = true;  // loss and gradients
  bool spike = false;
  bool updated = true;  // false: nothing was changed
};

/// One optimizer step over a global batch (GPAS's training loop), shared by all workers: gradients of every
/// micro-batch, clipping of all and then of the gates, the update.
class Step {
 public:
  Step(nn::Model& model, optim::Optimizer& optimizer, const optim::Schedule& schedule,
       const config::TrainConfig& config, DataParallel& parallel);

  /// The step after `progress`, a collective: reports are the same on every worker but for the times. Fills
  /// `statistics` if it is given. Nothing, and nothing was changed, where `give_up`, asked before each micro-batch,
  /// says so, which it must on all workers at once.
  std::optional<StepReport> run(const data::GlobalBatch& batch, const Progress& progress,
                                LayerStatistics* statistics = nullptr, const std::function<bool()>& give_up = {});

 private:
  double gradient_scale(const data::GlobalBatch& batch, const data::TokenBatch& micro_batch) const;
  std::optional<std::vector<double>> add_up_gradients(const data::GlobalBatch& batch, const LayerStatistics* statistics,
                                                      const std::function<bool()>& give_up);

  nn::Model& model_;
  optim::Optimizer& optimizer_;
  const optim::Schedule& schedule_;
  config::TrainConfig config_;
  DataParallel& parallel_;
};

}  // namespace strata::train
