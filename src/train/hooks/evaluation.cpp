#include <unistd.h>

#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/train/hooks.h"

namespace strata::train {
namespace {

class Evaluation final : public Hook {
 public:
  Evaluation(RunLogs& logs, const config::EvaluateConfig& config, nn::Model& model, const data::ValidationSet& set,
             int64_t last_step)
      : logs_(logs), config_(config), model_(model), set_(set), last_step_(last_step) {}

  void after_step(const StepReport& report, const Progress& progress, const LayerStatistics*) override {
    if (config_.every > 0 && report.step % config_.every == 0) run(progress);
  }

  // Not where a run was stopped: it goes on as if it never was, and there may be little time.
  void at_end(const Progress& progress) override {
    if (progress.step == last_step_ && logs_.evaluations.last() != last_step_) run(progress);
  }

 private:
  void run(const Progress& progress) {
    const EvaluationResult result = evaluate(model_, set_);
    logs_.evaluations.append({{"step", progress.step},
                              {"loss", result.loss},
                              {"ppl", result.perplexity()},
                              {"ppl_paper", result.paper_perplexity()},
                              {"targets", result.targets},
                              {"tokens", progress.tokens}});
    if (isatty(STDOUT_FILENO) != 0) std::cout << "\n" << std::flush;  // leaves the progress line as it is
    log::info(str("step ", progress.step, "  validation loss ", fixed(result.loss, 4), "  perplexity ",
                  fixed(result.perplexity(), 2), "  (", with_commas(result.targets), " targets)"));
  }

  RunLogs& logs_;
  config::EvaluateConfig config_;
  nn::Model& model_;
  const data::ValidationSet& set_;
  int64_t last_step_;  // of the whole run
};

}  // namespace

double EvaluationResult::perplexity() const { return std::exp(loss); }

double EvaluationResult::paper_perplexity() const { return std::exp(sum_of_means / static_cast<double>(batches + 1)); }

EvaluationResult evaluate(nn::Model& model, const data::ValidationSet& set) {
  EvaluationResult result;
  double total = 0.0;
  for (int64_t index = 0; index < set.num_batches(); ++index) {
    const data::TokenBatch batch = set.batch(index);
    if (batch.num_targets() == 0) continue;
    const double loss = model.loss(batch);
    total += loss;
    result.targets += batch.num_targets();
    result.sum_of_means += loss / static_cast<double>(batch.num_targets());
    ++result.batches;
  }
  result.loss = total / static_cast<double>(result.targets);
  return result;
}

std::unique_ptr<Hook> evaluation(RunLogs& logs, const config::EvaluateConfig& config, nn::Model& model,
                                 const data::ValidationSet& set, int64_t last_step) {
  return std::make_unique<Evaluation>(logs, config, model, set, last_step);
}

}  // namespace strata::train
