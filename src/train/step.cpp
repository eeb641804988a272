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

StepReport Step::run(const data::GlobalBatch& batch, int64_t index, LayerStatistics* statistics) {
  const nn::Parameters& parameters = model_.parameters();
  StepReport report;
  report.step = index + 1;
  report.rate = schedule_.rate(index);
  report.tokens = batch.num_tokens;
  report.targets = batch.num_targets;
  parameters.zero_gradients();
  for (const data::TokenBatch& micro_batch : batch.micro_batches) {
    const double scale = gradient_scale(batch, micro_batch);
    report.loss += scale * model_.loss_and_gradients(micro_batch, scale);
    if (statistics != nullptr) statistics->add(model_.decoder(), micro_batch.num_tokens());
  }
  report.norms = optim::measure_gradients(parameters.layout().params, parameters.gradients());
  report.clip = optim::clip_factors(config_.clip, report.norms);
  report.updated = std::isfinite(report.loss) && report.norms.finite;
  if (report.updated) {
    optimizer_.update({.values = parameters.master(),
                       .gradients = parameters.gradients(),
                       .copy = parameters.is_mixed() ? parameters.values() : at::Tensor()},
                      index, report.rate, report.clip);
  }
  return report;
}

}  // namespace strata::train
