#pragma once

#include <array>
#include <functional>
#include <optional>

#include "strata/base/host_copy.h"
#include "strata/config/train.h"
#include "strata/data/loader.h"
#include "strata/nn/model.h"
#include "strata/optim/optimizer.h"
#include "strata/optim/schedule.h"
#include "strata/train/data_parallel.h"
#include "strata/train/layer_statistics.h"
#include "strata/train/micro_batch_graph.h"
#include "strata/train/spikes.h"

namespace strata::train {

/// L2 norms of a step's gradients, before clipping.
struct GradientNorms {
  optim::ArenaMeasure gradients;  // what they come from
  double global = 0.0;
  double gates = 0.0;
};

/// What clipping multiplies gradients by: first all of them, then the gates once more.
struct ClipFactors {
  double global = 1.0;
  double gates = 1.0;  // the global factor included
};

/// What one optimizer step did.
struct StepReport {
  int64_t step = 0;  // updates made, this one included: from 1
  double loss = 0.0;
  double rate = 0.0;
  GradientNorms norms;  // before clipping
  ClipFactors clip;
  SpikeScores scores;
  int64_t tokens = 0;
  int64_t targets = 0;        // without any there is no loss: it is 0
  double seconds = 0.0;       // from the end of what hooks did after the step before it to its own numbers
  double wait_seconds = 0.0;  // of these for the batch to be ready
  workers::CommunicationTime communication;
  bool finite = true;  // loss and gradients
  bool spike = false;
  bool updated = true;                    // false: nothing was changed
  std::optional<LayerStatistics> layers;  // where they were asked for
};

/// The phase of the model's clock that an update is.
inline constexpr const char* kUpdatePhase = "update";

struct StepOptions {
  bool measures_layers = false;
  std::function<bool()> give_up = {};  // asked before each micro-batch; says the same on all workers
};

/// A step that the device was asked for: what is known of it without waiting.
struct StartedStep {
  StepReport report;
  std::shared_ptr<const nn::ParameterLayout> trained = {};  // where layers are measured: what this step trains

  bool measures_layers() const { return trained != nullptr; }
};

/// One optimizer step over a global batch (GPAS's training loop), shared by all workers: gradients of every
/// micro-batch, clipping of all and then of the gates, the update.
///
/// It is started, and read later: all that decides it stays on the device, so that the next one can be started before
/// the device is through with it. What is not finite changes nothing, and with train.on_nonfinite: stop nothing that is
/// started later does. Where spikes leave out the update (train.spike.action: skip, stop) every start waits for the
/// device, which has to tell.
class Step {
 public:
  /// All that is given must outlive it.
  Step(nn::Model& model, optim::Optimizer& optimizer, const optim::Schedule& schedule,
       const config::TrainConfig& config, DataParallel& parallel);

  /// From now on micro-batches are launched as one graph where they can be.
  void use_graph(std::unique_ptr<kernels::CudaGraph> graph) { graph_.emplace(model_, std::move(graph)); }

  /// Update number `index`, from 0; a collective. window: of the steps before, where updates_depend_on_spikes().
  /// Nothing, and nothing was changed, where it was given up.
  std::optional<StartedStep> start(const data::GlobalBatch& batch, int64_t index, const SpikeWindow& window,
                                   const StepOptions& options = {});

  /// Waits for the device, and tells what the step did: the same on every worker but for the times. Steps are read in
  /// order, each before the next but one is started. window: of the steps before it.
  StepReport read(const StartedStep& started, const SpikeWindow& window);

  /// A step can only be started when all before it have been read.
  bool updates_depend_on_spikes() const { return config_.spike.action >= config::SpikeAction::kSkip; }

 private:
  // Memory of the host that a step needs until it is read.
  struct Slot {
    Slot(const StepNumbers& numbers, const at::Tensor& of_branches)
        : scales_M(host_memory_like(numbers.scales_M)), copy(numbers.for_host) {
      if (of_branches.defined()) branch_scales = host_memory_like(of_branches);
    }
    at::Tensor scales_M;
    at::Tensor branch_scales;
    HostCopy copy;
  };

  StartedStep announce(const data::GlobalBatch& batch, int64_t index, const StepOptions& options) const;
  Slot& slot_of(const StartedStep& started) { return slots_[static_cast<size_t>(started.report.step % 2)]; }
  double scale(const data::GlobalBatch& batch, const data::TokenBatch& micro_batch) const;
  void send_scales(const data::GlobalBatch& batch, const at::Tensor& by_way_of_M);
  bool add_gradients(const data::GlobalBatch& batch, const StartedStep& started, const StepOptions& options);
  void add_micro_batch(const StepSums& sums, const data::TokenBatch& micro_batch, const at::Tensor& scale,
                       bool measures_layers, const nn::FinalGradients& when_final);
  void clip();
  void update_unless_spike(const StartedStep& started, const SpikeWindow& window);
  void measure_parameters();
  void ship(const StartedStep& started);

  nn::Model& model_;
  optim::Optimizer& optimizer_;
  const optim::Schedule& schedule_;
  const config::TrainConfig& config_;
  DataParallel& parallel_;
  std::optional<MicroBatchGraph> graph_;
  std::array<Slot, 2> slots_;  // two steps at most are on their way
};

}  // namespace strata::train
