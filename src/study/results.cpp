#include "strata/study/results.h"

#include <algorithm>
#include <cmath>

#include "numbers.h"
#include "strata/base/check.h"
#include "strata/base/text.h"

namespace strata::study {
namespace {

double last_of(const std::vector<double>& values) { return values.empty() ? kNan : values.back(); }

// Where a falling curve first comes to `level`, between two points by a straight line; NaN: it does not.
double first_at(const std::vector<double>& x, const std::vector<double>& y, double level) {
  for (size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
    if (!(y[i] <= level)) continue;
    if (i == 0 || !(y[i - 1] > level)) return x[i];
    return x[i - 1] + (x[i] - x[i - 1]) * (y[i - 1] - level) / (y[i - 1] - y[i]);
  }
  return kNan;
}

double loss_of(const RunLog& run) { return run.is_complete ? last_of(run.evaluations.column("loss")) : kNan; }

double value_of(const RunLog& run, const RunLog* baseline, const std::string& outcome) {
  if (outcome == "validation_loss") return loss_of(run);
  if (outcome.ends_with("_to_baseline")) {
    if (baseline == nullptr) return kNan;
    const std::vector<double>& losses = run.evaluations.column("loss");
    const double level = loss_of(*baseline);
    if (outcome.starts_with("steps")) return first_at(run.evaluations.step, losses, level);
    if (outcome.starts_with("tokens")) return first_at(run.evaluations.column("tokens"), losses, level);
    return first_at(seconds_at(run, run.evaluations.step), losses, level);
  }
  const auto task = run.tasks.find(outcome);
  return run.is_complete && task != run.tasks.end() ? last_of(task->second.column("acc")) : kNan;
}

ArmResult measured(const ArmRuns& arm, const ArmRuns& baseline, const Outcome& outcome) {
  ArmResult result{.name = arm.name, .tuned = arm.tuned, .asked = arm.asked};
  for (const auto& [seed, run] : arm.runs) {
    const auto pair = baseline.runs.find(seed);
    const double value = value_of(run, pair == baseline.runs.end() ? nullptr : &pair->second, outcome.name);
    const bool has_ended = run.is_complete || !run.failure.empty();
    if (std::isfinite(value)) result.values.emplace(seed, value);
    if (!std::isfinite(value) && has_ended) ++result.failed;
  }
  result.missing = arm.asked - result.failed - std::ssize(result.values);
  std::vector<double> values;
  for (const auto& [seed, value] : result.values) values.push_back(value);
  result.summary = summarise(values);
  return result;
}

// level: of each comparison, where several share kLevel.
void compare(ArmResult& arm, const ArmResult& baseline, double level) {
  std::vector<double> own, base;
  for (const auto& [seed, value] : arm.values) {
    const auto pair = baseline.values.find(seed);
    if (pair == baseline.values.end()) continue;
    own.push_back(value);
    base.push_back(pair->second);
  }
  arm.test = paired_test(own, base);
  const Summary& differences = arm.test.differences;
  arm.smallest_difference = study::smallest_difference(differences.sd, differences.n, level);
  arm.seeds_needed = pairs_for(differences.mean, differences.sd, level);
}

}  // namespace

Outcome outcome_of(const std::string& name) {
  if (name == "validation_loss") return {.name = name, .title = "validation loss"};
  if (name == "steps_to_baseline") return {.name = name, .title = "steps to the baseline's loss", .digits = 1};
  if (name == "tokens_to_baseline") return {.name = name, .title = "tokens to the baseline's loss", .digits = 0};
  if (name == "seconds_to_baseline") return {.name = name, .title = "seconds to the baseline's loss", .digits = 2};
  return {.name = name, .title = "accuracy on " + name, .is_lower_better = false};
}

Results results_of(const std::vector<ArmRuns>& arms, size_t baseline, const Outcome& outcome,
                   std::optional<double> target) {
  Results results{.outcome = outcome, .baseline = baseline, .target = target};
  for (const ArmRuns& arm : arms) results.arms.push_back(measured(arm, arms[baseline], outcome));
  std::vector<double> p_values;
  const double level = kLevel / static_cast<double>(std::max<size_t>(arms.size(), 2) - 1);
  for (size_t i = 0; i < arms.size(); ++i) {
    if (i == baseline) continue;
    compare(results.arms[i], results.arms[baseline], level);
    p_values.push_back(results.arms[i].test.p);
  }
  const std::vector<double> adjusted = holm(p_values);
  for (size_t i = 0, next = 0; i < arms.size(); ++i) {
    if (i != baseline) results.arms[i].p_holm = adjusted[next++];
  }
  for (ArmResult& arm : results.arms) {
    if (!target) continue;
    std::vector<double> values;
    const double sign = outcome.is_lower_better ? 1.0 : -1.0;
    for (const auto& [seed, value] : arm.values) values.push_back(sign * value);
    arm.p_target = p_below(values, sign * *target);
  }
  return results;
}

std::optional<size_t> best_of(const std::vector<ArmRuns>& candidates, const Outcome& outcome) {
  std::optional<size_t> best;
  double best_mean = 0.0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    const ArmResult result = measured(candidates[i], candidates[i], outcome);
    if (result.failed + result.missing > 0 || result.values.empty()) continue;
    const double mean = outcome.is_lower_better ? result.summary.mean : -result.summary.mean;
    if (best && mean >= best_mean) continue;
    best = i;
    best_mean = mean;
  }
  return best;
}

}  // namespace strata::study
