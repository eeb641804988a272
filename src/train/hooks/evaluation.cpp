#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/train/hooks.h"

namespace strata::train {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_from(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

class Evaluation final : public Hook {
 public:
  Evaluation(RunLogs* logs, EvaluationPlan plan, nn::Model& model, workers::Communicator& workers)
      : logs_(logs), plan_(std::move(plan)), model_(model), workers_(workers) {}

  void at_start(const Progress& progress) override {
    if (progress.step == 0 && plan_.steps_per_epoch > 0) run(progress);
  }

  bool needs_state_after(int64_t step) const override {
    const auto is_multiple = [&](int64_t steps) { return steps > 0 && step % steps == 0; };
    return is_multiple(plan_.every) || is_multiple(plan_.steps_per_epoch);
  }

  void after_step(const StepReport& report, const Progress& progress) override {
    if (needs_state_after(report.step)) run(progress);
  }

  // Not where a run was stopped: it goes on as if it never was, and there may be little time.
  void at_end(const Progress& progress) override {
    if (progress.step == plan_.last_step) run_where_missing(progress);
  }

 private:
  void run_where_missing(const Progress& progress) {
    const bool is_missing = logs_ != nullptr && logs_->evaluations.last() != progress.step;
    if (workers::any(workers_, is_missing)) run(progress);
  }

  void run(const Progress& progress) {
    const auto start = Clock::now();
    log::Pace pace;
    const PlaceTeller tell = [&](const std::string& place) {
      if (logs_ != nullptr && plan_.says && pace.is_due()) log::progress({{"evaluating: " + place, 1}});
    };
    model_.set_update(progress.step);
    const EvaluationResult result = evaluate(model_, *plan_.set, workers_, tell);
    if (plan_.tell) plan_.tell(result);
    const Scores scores = plan_.scores ? plan_.scores(tell) : Scores{};
    if (logs_ == nullptr) return;
    nlohmann::json line{{"step", progress.step},
                        {"loss", result.loss},
                        {"perplexity", result.perplexity()},
                        {"perplexity_as_in_paper_code", result.paper_perplexity()},
                        {"targets", result.targets},
                        {"tokens", progress.tokens}};
    line["seconds"] = seconds_from(start);
    for (const auto& [name, number] : scores.numbers) line[name] = number;
    logs_->evaluations.append(line);
    (plan_.says ? log::say : log::note)(str("step ", progress.step, "  validation loss ", fixed(result.loss, 4),
                                            "  perplexity ", fixed(result.perplexity(), 2), "  (",
                                            with_commas(result.targets), " targets)", scores.text));
  }

  RunLogs* logs_;
  EvaluationPlan plan_;
  nn::Model& model_;
  workers::Communicator& workers_;
};

}  // namespace

double EvaluationResult::perplexity() const { return std::exp(loss); }

double EvaluationResult::paper_perplexity() const { return std::exp(sum_of_means / static_cast<double>(batches + 1)); }

EvaluationResult evaluate(nn::Model& model, const data::BatchSet& set, workers::Communicator& workers,
                          const PlaceTeller& tell) {
  const at::Tensor losses_B = at::zeros({set.num_batches()}, model.parameters().master().options().dtype(at::kDouble));
  std::vector<double> numbers(2 * static_cast<size_t>(set.num_batches()));  // loss and targets of each micro-batch
  for (int64_t index = workers.rank(); index < set.num_batches(); index += workers.world_size()) {
    workers.get_on();
    if (tell) tell(str("micro-batch ", index + 1, " of ", set.num_batches()));
    const data::TokenBatch batch = model.upload(set.batch(index));
    if (batch.num_targets() == 0) continue;
    model.add_loss(losses_B[index], batch);
    numbers[static_cast<size_t>(2 * index + 1)] = static_cast<double>(batch.num_targets());
  }
  const at::Tensor losses = losses_B.cpu();
  for (int64_t index = 0; index < set.num_batches(); ++index) {
    numbers[static_cast<size_t>(2 * index)] = losses.const_data_ptr<double>()[index];
  }
  numbers = workers::sum_of_numbers(workers, numbers);  // of one number and noughts: exact
  EvaluationResult result;
  double total = 0.0;
  for (size_t i = 0; i < numbers.size(); i += 2) {
    const double loss = numbers[i], targets = numbers[i + 1];
    if (targets == 0.0) continue;
    total += loss;
    result.targets += static_cast<int64_t>(targets);
    result.sum_of_means += loss / targets;
    ++result.batches;
  }
  STRATA_CHECK(result.targets > 0, "there is nothing to evaluate on: no row of the set has a target");
  result.loss = total / static_cast<double>(result.targets);
  return result;
}

std::unique_ptr<Hook> evaluation(RunLogs* logs, EvaluationPlan plan, nn::Model& model, workers::Communicator& workers) {
  return std::make_unique<Evaluation>(logs, std::move(plan), model, workers);
}

}  // namespace strata::train
