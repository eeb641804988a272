#include "strata/train/step.h"

#include <cmath>

namespace strata::train {

Step::Step(nn::Model& model, optim::Optimizer& optimizer, const optim::Schedule& schedule,
           const config::TrainConfig& config)
    : model_(model), optimizer_(optimizer), schedule_(schedule), config_(config) {}

// What a micro-batch's sum of losses counts in the step's loss.
double Step::gradient_scale(const data::GlobalBatch& batch, const data::TokenBatch& micro_batch) const {
  if (config_.loss_average == config::LossAverage::kToken) return 1.0 / static_cast<double>(batch.num_targets);
  return 1.0 / static_cast<double>(micro_batch.num_targets()) / static_cast<double>(batch.micro_batches.size());
}

std::optional<StepReport> Step::run(const data::GlobalBatch& batch, const Progress& progress,
                                    LayerStatistics* statistics, const std::function<bool()>& give_up) {
  const nn::Parameters& parameters = model_.parameters();
  StepReport report;
  report.step = progress.step + 1;
  report.rate = schedule_.rate(progress.step);
  report.tokens = batch.num_tokens;
  report.targets = batch.num_targets;
  parameters.zero_gradients();
  for (const data::TokenBatch& micro_batch : batch.micro_batches) {
    if (give_up && give_up()) return std::nullopt;
    const double scale = gradient_scale(batch, micro_batch);
    report.loss += scale * model_.loss_and_gradients(micro_batch, scale);
    if (statistics != nullptr) statistics->add(model_.decoder(), micro_batch.num_tokens());
  }
  report.norms = optim::measure_gradients(parameters.layout().params, parameters.gradients());
  report.clip = optim::clip_factors(config_.clip, report.norms);
  report.scores = score(config_.spike, progress.spikes, report.loss, report.norms.global);
  report.finite = std::isfinite(report.loss) && report.norms.finite;
  report.spike = report.finite && report.scores.highest() > config_.spike.sigma;
  report.updated = report.finite && !(report.spike && config_.spike.action >= config::SpikeAction::kSkip);
  if (report.updated) {
    optimizer_.update({.values = parameters.master(),
                       .gradients = parameters.gradients(),
                       .copy = parameters.is_mixed() ? parameters.values() : at::Tensor()},
                      progress.step, report.rate, report.clip);
  }
  return report;
}

}  // namespace strata::train
