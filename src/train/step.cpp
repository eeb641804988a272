#include "strata/train/step.h"

#include <cmath>

namespace strata::train {

Step::Step(nn::Model& model, optim::Optimizer& optimizer, const optim::Schedule& schedule,
           const config::TrainConfig& config, DataParallel& parallel)
    : model_(model), optimizer_(optimizer), schedule_(schedule), config_(config), parallel_(parallel) {}

// What a micro-batch's sum of losses counts in the step's loss.
double Step::gradient_scale(const data::GlobalBatch& batch, const data::TokenBatch& micro_batch) const {
  if (config_.loss_average == config::LossAverage::kToken) return 1.0 / static_cast<double>(batch.num_targets);
  const auto micro_batches = static_cast<double>(batch.micro_batches.size()) * parallel_.workers.world_size();
  return 1.0 / static_cast<double>(micro_batch.num_targets()) / micro_batches;
}

// Leaves them where the reduction does; gives the loss, and then the sums that the statistics are made of.
std::optional<std::vector<double>> Step::add_up_gradients(const data::GlobalBatch& batch,
                                                          const LayerStatistics* statistics,
                                                          const std::function<bool()>& give_up) {
  GradientReduction& reduction = parallel_.reduction;
  std::vector<std::vector<double>> sums;  // of each of this worker's virtual ranks
  auto micro_batch = batch.micro_batches.begin();
  const size_t per_part = batch.micro_batches.size() / static_cast<size_t>(parallel_.parts);
  reduction.begin();
  for (int64_t part = 0; part < parallel_.parts; ++part) {
    std::vector<double>& of_part = sums.emplace_back(1 + (statistics != nullptr ? statistics->num_sums() : 0));
    for (size_t i = 0; i < per_part; ++i, ++micro_batch) {
      if (give_up && give_up()) return std::nullopt;
      parallel_.workers.get_on();
      const double scale = gradient_scale(batch, *micro_batch);
      const bool is_last = i + 1 == per_part;
      of_part[0] += scale * model_.loss_and_gradients(*micro_batch, scale,
                                                      is_last ? reduction.when_final() : nn::FinalGradients());
      if (statistics != nullptr) {
        statistics->add(model_.decoder(), micro_batch->num_tokens(), std::span(of_part).subspan(1));
      }
    }
    reduction.end_part();
  }
  reduction.finish();
  return dist::sum_of_rows(parallel_.workers, sums);
}

std::optional<StepReport> Step::run(const data::GlobalBatch& batch, const Progress& progress,
                                    LayerStatistics* statistics, const std::function<bool()>& give_up) {
  const nn::Parameters& parameters = model_.parameters();
  const dist::CommunicationTime before = parallel_.workers.time();
  parallel_.workers.begin_step(progress.step + 1);
  StepReport report;
  report.step = progress.step + 1;
  report.rate = schedule_.rate(progress.step);
  report.tokens = batch.num_tokens;
  report.targets = batch.num_targets;
  const auto sums = add_up_gradients(batch, statistics, give_up);
  if (!sums) return std::nullopt;
  report.loss = sums->front();
  report.norms = optim::gradient_norms(parameters.layout().params, parallel_.meter.measure(parameters.gradients()));
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
  if (statistics != nullptr) {
    statistics->complete(std::span(*sums).subspan(1), parallel_.meter.measure(parameters.master()));
  }
  if (report.updated && parallel_.sharded) parallel_.gather.start();
  const dist::CommunicationTime after = parallel_.workers.time();
  report.communication = {.busy_seconds = after.busy_seconds - before.busy_seconds,
                          .waited_seconds = after.waited_seconds - before.waited_seconds};
  return report;
}

}  // namespace strata::train
