#include "strata/train/step.h"

#include <ATen/TensorOperators.h>

#include "strata/base/check.h"

namespace strata::train {

Step::Step(nn::Model& model, optim::Optimizer& optimizer, const optim::Schedule& schedule,
           const config::TrainConfig& config, DataParallel& parallel)
    : model_(model),
      optimizer_(optimizer),
      schedule_(schedule),
      config_(config),
      parallel_(parallel),
      slots_{Slot(parallel.numbers), Slot(parallel.numbers)} {
  parallel.numbers.outcome.zero_();
}

std::optional<StartedStep> Step::start(const data::GlobalBatch& batch, int64_t index, const SpikeWindow& window,
                                       const StepOptions& options) {
  const workers::CommunicationTime before = parallel_.workers.time();
  StartedStep started = announce(batch, index);
  send_scales(batch, slot_of(started).scales_M);
  if (!add_up_gradients(batch, options)) return std::nullopt;
  clip();
  if (!updates_depend_on_spikes() || !is_spike(started, window)) update(started);
  if (options.measures_layers) {
    started.trained = model_.parameters().trained();
    parallel_.value_meter.measure(model_.parameters().master(), parallel_.numbers.parameters);
  }
  slot_of(started).copy.start(parallel_.numbers.for_host);
  if (parallel_.sharded) parallel_.gather.start();
  const workers::CommunicationTime after = parallel_.workers.time();
  started.report.communication = {.busy_seconds = after.busy_seconds - before.busy_seconds,
                                  .waited_seconds = after.waited_seconds - before.waited_seconds};
  return started;
}

// Leaves them where the reduction does, and loss and layers' sums in the first row of the numbers. False: given up.
bool Step::add_up_gradients(const data::GlobalBatch& batch, const StepOptions& options) {
  GradientReduction& reduction = parallel_.reduction;
  const StepNumbers& numbers = parallel_.numbers;
  const int64_t per_part = std::ssize(batch.micro_batches) / parallel_.parts;
  reduction.begin();
  numbers.sums_SK.zero_();
  for (int64_t i = 0; i < std::ssize(batch.micro_batches); ++i) {
    if (options.give_up && options.give_up()) return false;
    parallel_.workers.get_on();
    const bool is_last = (i + 1) % per_part == 0;
    const nn::FinalGradients when_final = is_last ? reduction.when_final() : nn::FinalGradients();
    const data::TokenBatch& micro_batch = batch.micro_batches[static_cast<size_t>(i)];
    if (micro_batch.num_tokens() > 0) {
      add_gradients(model_.upload(micro_batch), numbers.scales_M[i], numbers.mine_RK[i / per_part], options,
                    when_final);
    } else if (when_final) {
      when_final({0, model_.parameters().gradients().numel()});  // it leaves them as they are
    }
    if (is_last) reduction.end_part();
  }
  reduction.finish();
  workers::sum_rows(parallel_.workers, numbers.sums_SK);
  return true;
}

void Step::add_gradients(const data::TokenBatch& micro_batch, const at::Tensor& scale, const at::Tensor& sums_K,
                         const StepOptions& options, const nn::FinalGradients& when_final) {
  if (graph_ && !when_final) {
    graph_->add_loss_and_gradients(micro_batch, scale, sums_K[0]);
  } else {
    model_.add_loss_and_gradients(micro_batch, scale, sums_K[0], when_final);
  }
  if (options.measures_layers) {
    LayerStatistics::add(model_.decoder(), micro_batch.num_real_tokens(), sums_K.narrow(0, 1, sums_K.numel() - 1));
  }
}

void Step::clip() const {
  const StepNumbers& numbers = parallel_.numbers;
  const optim::ArenaMeter& meter = parallel_.gradient_meter;
  meter.measure(model_.parameters().gradients(), numbers.gradients);
  kernels::clip(optim::clip_rule(config_), numbers.sums_SK[0][0], meter.squares_P(numbers.gradients), meter.is_gate_P(),
                numbers.outcome);
}

bool Step::is_spike(const StartedStep& started, const SpikeWindow& window) {
  slot_of(started).copy.start(parallel_.numbers.for_host);
  return read(started, window).spike;
}

void Step::update(const StartedStep& started) {
  const nn::Parameters& parameters = model_.parameters();
  optimizer_.update({.values = parameters.master(),
                     .gradients = parameters.gradients(),
                     .copy = parameters.is_mixed() ? parameters.values() : at::Tensor()},
                    started.report.step - 1, started.report.rate, parallel_.numbers.outcome);
}

StartedStep Step::announce(const data::GlobalBatch& batch, int64_t index) const {
  parallel_.workers.begin_step(index + 1);
  StartedStep started;
  started.report.step = index + 1;
  started.report.rate = schedule_.rate(index);
  started.report.tokens = batch.num_tokens;
  started.report.targets = batch.num_targets;
  return started;
}

// What a micro-batch's sum of losses counts in the step's loss.
double Step::scale(const data::GlobalBatch& batch, const data::TokenBatch& micro_batch) const {
  if (config_.loss_average == config::LossAverage::kToken) return 1.0 / static_cast<double>(batch.num_targets);
  const auto micro_batches = static_cast<double>(batch.micro_batches.size()) * parallel_.workers.world_size();
  return 1.0 / static_cast<double>(micro_batch.num_targets()) / micro_batches;
}

void Step::send_scales(const data::GlobalBatch& batch, const at::Tensor& from_M) const {
  STRATA_ASSERT(std::ssize(batch.micro_batches) == from_M.numel());
  auto* scales = from_M.mutable_data_ptr<double>();
  for (const data::TokenBatch& micro_batch : batch.micro_batches) *scales++ = scale(batch, micro_batch);
  parallel_.numbers.scales_M.copy_(from_M, true);
}

StepReport Step::read(const StartedStep& started, const SpikeWindow& window) {
  const workers::Waiting waiting(parallel_.workers.watcher());
  const StepNumbers::OnHost numbers = parallel_.numbers.on_host(slot_of(started).copy.wait());
  StepReport report = started.report;
  report.loss = numbers.sums.front();
  report.norms = {.gradients = parallel_.gradient_meter.measure_of(numbers.gradients),
                  .global = numbers.outcome[kernels::kGlobalNorm],
                  .gates = numbers.outcome[kernels::kGateNorm]};
  report.clip = {.global = numbers.outcome[kernels::kGlobalFactor], .gates = numbers.outcome[kernels::kGateFactor]};
  report.scores = score(config_.spike, window, report.loss, report.norms.global);
  report.finite = numbers.outcome[kernels::kFinite] != 0.0;
  report.spike = report.finite && report.scores.highest() > config_.spike.sigma;
  report.updated = numbers.outcome[kernels::kApply] != 0.0 && !(report.spike && updates_depend_on_spikes());
  if (started.trained) {
    report.layers.emplace(model_.spec(), *started.trained, report.tokens, numbers.sums.subspan(1),
                          report.norms.gradients, parallel_.value_meter.measure_of(numbers.parameters));
  }
  return report;
}

}  // namespace strata::train
