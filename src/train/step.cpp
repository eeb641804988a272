#include "strata/train/step.h"

#include <ATen/TensorOperators.h>

#include "strata/base/check.h"
#include "strata/kernels/clip.h"

namespace strata::train {
namespace {

kernels::ClipRule clip_rule(const config::TrainConfig& config) {
  return {.global_limit = config.clip.global,
          .gate_limit = config.clip.gates,
          .halts = config.on_nonfinite == config::OnNonfinite::kStop};
}

}  // namespace

Step::Step(nn::Model& model, optim::Optimizer& optimizer, const optim::Schedule& schedule,
           const config::TrainConfig& config, DataParallel& parallel)
    : model_(model),
      optimizer_(optimizer),
      schedule_(schedule),
      config_(config),
      parallel_(parallel),
      slots_{Slot(parallel.numbers, model.branch_scales()), Slot(parallel.numbers, model.branch_scales())} {
  parallel.numbers.outcome.zero_();
}

std::optional<StartedStep> Step::start(const data::GlobalBatch& batch, int64_t index, const SpikeWindow& window,
                                       const StepOptions& options) {
  const workers::CommunicationTime before = parallel_.workers.time();
  StartedStep started = announce(batch, index, options);
  model_.set_update(index, slot_of(started).branch_scales);
  if (!add_gradients(batch, started, options)) return std::nullopt;
  clip();
  update_unless_spike(started, window);
  if (started.measures_layers()) measure_parameters();
  ship(started);
  if (parallel_.sharded) parallel_.gather.start();
  const workers::CommunicationTime after = parallel_.workers.time();
  started.report.communication = {.busy_seconds = after.busy_seconds - before.busy_seconds,
                                  .waited_seconds = after.waited_seconds - before.waited_seconds};
  return started;
}

StartedStep Step::announce(const data::GlobalBatch& batch, int64_t index, const StepOptions& options) const {
  parallel_.workers.begin_step(index + 1);
  StartedStep started;
  started.report.step = index + 1;
  started.report.rate = schedule_.rate(index);
  started.report.tokens = batch.num_tokens;
  started.report.targets = batch.num_targets;
  if (options.measures_layers) started.trained = model_.parameters().trained();
  return started;
}

// Of all workers: gradients where the reduction leaves them, the sums in numbers.total(). False: given up.
bool Step::add_gradients(const data::GlobalBatch& batch, const StartedStep& started, const StepOptions& options) {
  GradientReduction& reduction = parallel_.reduction;
  const StepNumbers& numbers = parallel_.numbers;
  const int64_t per_rank = std::ssize(batch.micro_batches) / parallel_.virtual_ranks;
  send_scales(batch, slot_of(started).scales_M);
  reduction.begin();
  numbers.sums_SK.zero_();
  for (int64_t i = 0; i < std::ssize(batch.micro_batches); ++i) {
    if (options.give_up && options.give_up()) return false;
    parallel_.workers.get_on();
    const bool is_last = (i + 1) % per_rank == 0;
    const nn::FinalGradients when_final = is_last ? reduction.when_final() : nn::FinalGradients();
    const data::TokenBatch& micro_batch = batch.micro_batches[static_cast<size_t>(i)];
    if (micro_batch.num_tokens() > 0) {
      add_micro_batch(numbers.of_virtual_rank(i / per_rank), model_.upload(micro_batch), numbers.scales_M[i],
                      started.measures_layers(), when_final);
    } else if (when_final) {
      when_final({0, model_.parameters().gradients().numel()});  // it leaves them as they are
    }
    if (is_last) reduction.end_virtual_rank();
  }
  reduction.finish();
  workers::sum_rows(parallel_.workers, numbers.sums_SK);
  return true;
}

void Step::add_micro_batch(const StepSums& sums, const data::TokenBatch& micro_batch, const at::Tensor& scale,
                           bool measures_layers, const nn::FinalGradients& when_final) {
  if (graph_ && !when_final) {
    graph_->add_loss_and_gradients(sums.loss, micro_batch, scale);
  } else {
    model_.add_loss_and_gradients(sums.loss, micro_batch, scale, when_final);
  }
  if (measures_layers) LayerStatistics::add(sums.layers, model_, micro_batch.num_real_tokens());
}

void Step::clip() {
  const StepNumbers& numbers = parallel_.numbers;
  optim::ArenaMeter& meter = parallel_.gradient_meter;
  meter.measure(numbers.gradients, model_.parameters().gradients());
  kernels::clip(numbers.outcome, clip_rule(config_), numbers.total().loss, meter.squares_P(numbers.gradients),
                meter.is_gate_P());
}

void Step::update_unless_spike(const StartedStep& started, const SpikeWindow& window) {
  if (updates_depend_on_spikes()) {  // the host decides, and waits for the device's numbers
    ship(started);
    if (read(started, window).spike) return;
  }
  const nn::Parameters& parameters = model_.parameters();
  model_.clock().enter(kUpdatePhase);
  optimizer_.update({.values = parameters.master(),
                     .value_ranges = parameters.master_ranges(),
                     .gradients = parameters.gradients(),
                     .copy = parameters.is_mixed() ? parameters.values() : at::Tensor()},
                    started.report.step - 1, started.report.rate, parallel_.numbers.outcome);
  model_.clock().enter(nullptr);
}

void Step::measure_parameters() {
  parallel_.value_meter.measure(parallel_.numbers.parameters, model_.parameters().master());
}

// The device's numbers are on their way to the host.
void Step::ship(const StartedStep& started) { slot_of(started).copy.start(parallel_.numbers.for_host); }

// What a micro-batch's sum of losses counts in the step's loss.
double Step::scale(const data::GlobalBatch& batch, const data::TokenBatch& micro_batch) const {
  if (micro_batch.num_targets() == 0) return 0.0;
  if (config_.loss_average == config::LossAverage::kToken) return 1.0 / static_cast<double>(batch.num_targets);
  const auto micro_batches = static_cast<double>(batch.micro_batches.size()) * parallel_.workers.world_size();
  return 1.0 / static_cast<double>(micro_batch.num_targets()) / micro_batches;
}

void Step::send_scales(const data::GlobalBatch& batch, const at::Tensor& by_way_of_M) {
  STRATA_ASSERT(std::ssize(batch.micro_batches) == by_way_of_M.numel());
  auto* scales = by_way_of_M.mutable_data_ptr<double>();
  for (const data::TokenBatch& micro_batch : batch.micro_batches) *scales++ = scale(batch, micro_batch);
  parallel_.numbers.scales_M.copy_(by_way_of_M, true);
}

StepReport Step::read(const StartedStep& started, const SpikeWindow& window) {
  const workers::Waiting waiting(parallel_.workers.watcher());
  const StepNumbers::OnHost numbers = parallel_.numbers.on_host(slot_of(started).copy.wait());
  StepReport report = started.report;
  report.loss = numbers.loss;
  report.norms = {.gradients = parallel_.gradient_meter.measure_of(numbers.gradients),
                  .global = numbers.outcome[kernels::kGlobalNorm],
                  .gates = numbers.outcome[kernels::kGateNorm]};
  report.clip = {.global = numbers.outcome[kernels::kGlobalFactor], .gates = numbers.outcome[kernels::kGateFactor]};
  report.scores = score(config_.spike, window, report.loss, report.norms.global);
  report.finite = numbers.outcome[kernels::kFinite] != 0.0;
  report.spike = report.finite && report.scores.highest() > config_.spike.sigma;
  report.updated = numbers.outcome[kernels::kApply] != 0.0 && !(report.spike && updates_depend_on_spikes());
  if (started.measures_layers()) {
    report.layers.emplace(model_.spec(), *started.trained, report.tokens, numbers.layers, report.norms.gradients,
                          parallel_.value_meter.measure_of(numbers.parameters));
  }
  return report;
}

}  // namespace strata::train
