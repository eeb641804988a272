#include "strata/study/runs.h"

#include <algorithm>
#include <cmath>

#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/config/print.h"
#include "strata/nn/of_config.h"
#include "strata/plan/run_cost.h"
#include "strata/run/run.h"
#include "strata/run/settle.h"

namespace strata::study {
namespace {

plan::RunCost cost(const config::RunConfig& config) {
  config::RunConfig settled = config;
  settled.train.recompute = config::Recompute::kNone;  // what is computed twice is no part of an arm's budget
  return plan::cost_of(settled, nn::describe(settled));
}

bool is_of_curve(const std::string& outcome) { return outcome.ends_with("_to_baseline"); }

void check_outcomes(const SweepConfig& sweep, const Arm& arm, const config::RunConfig& config) {
  for (const std::string& outcome : sweep.outcome) {
    const auto& tasks = config.evaluate.tasks.names;
    const bool is_loss = outcome == "validation_loss" || is_of_curve(outcome);
    if (is_loss && config.data.validation.empty() && config.sft.model.empty()) {
      throw UsageError(str("arm ", arm.name, ": outcome ", outcome, " needs data.validation"));
    }
    if (is_of_curve(outcome) && config.evaluate.every == 0) {
      throw UsageError(str("arm ", arm.name, ": outcome ", outcome, " needs evaluate.every"));
    }
    if (!is_loss && std::ranges::find(tasks, outcome) == tasks.end()) {
      throw UsageError(str("outcome: ", outcome, " is neither validation_loss, {steps,tokens,seconds}_to_baseline nor ",
                           "among evaluate.tasks.names of arm ", arm.name));
    }
  }
}

}  // namespace

double flops_of(const config::RunConfig& config) {
  const plan::RunCost run = cost(config);
  return run.flops_per_step() * static_cast<double>(run.steps);
}

Study::Study(SweepConfig sweep)
    : sweep_(std::move(sweep)),
      arms_(arms_of(sweep_)),
      baseline_(baseline_of(sweep_, arms_)),
      example_(load(baseline_, {})) {
  for (size_t arm = 0; arm < arms_.size(); ++arm) {
    for (const auto& tuned : combinations(sweep_.tune)) check_outcomes(sweep_, arms_[arm], load(arm, tuned));
  }
}

std::vector<std::string> Study::all_overrides(size_t arm, const std::vector<std::string>& overrides) const {
  std::vector<std::string> all = sweep_.set;
  all.insert(all.end(), arms_[arm].overrides.begin(), arms_[arm].overrides.end());
  all.insert(all.end(), overrides.begin(), overrides.end());
  return all;
}

config::RunConfig Study::load(size_t arm, const std::vector<std::string>& overrides) const {
  try {
    return run::load_config(sweep_.base, all_overrides(arm, overrides));
  } catch (const UsageError& failure) {
    throw UsageError(str("arm ", arms_[arm].name, ": ", failure.what()));
  }
}

std::vector<std::string> Study::seed_overrides(int64_t seed) const {
  if (sweep_.seed_of == SeedOf::kData) return {str("data.seed=", seed)};
  if (sweep_.seed_of == SeedOf::kBoth) return {str("run.seed=", seed)};
  return {str("run.seed=", seed), str("data.seed=", example_.order_seed())};
}

const Study::Input& Study::input_of(const config::RunConfig& config) {
  const std::string key =
      str(config::to_yaml(config, {"data", "evaluate", "sft"}), config.model.vocab, ' ', config.train.micro_batch);
  const auto found = inputs_.find(key);
  if (found != inputs_.end()) return found->second;
  auto input = run::open_input(config);
  const run::InputFingerprints fingerprints = run::fingerprints_of(run::complete(config, *input), *input);
  return inputs_.emplace(key, Input{std::move(input), fingerprints}).first->second;
}

Run Study::make_run(size_t arm, int64_t seed, const std::vector<std::string>& tuned, const std::string& name) {
  Run run{.name = str(name, "-s", seed), .arm = arm, .seed = seed, .tuned = tuned, .base = sweep_.base, .config = {}};
  std::vector<std::string> own = tuned;
  for (const std::string& text : seed_overrides(seed)) own.push_back(text);
  own.push_back("run.dir=" + (output() / "runs" / run.name).string());
  if (execution_.threads > 0) own.push_back(str("run.threads=", execution_.threads));
  if (!execution_.gemm.empty()) own.push_back("run.gemm=" + execution_.gemm);
  if (sweep_.budget == Budget::kFlops && arm != baseline_) {
    const double budget = flops_of(example_);
    own.push_back(
        str("train.steps=", std::max<int64_t>(1, std::llround(budget / cost(load(arm, own)).flops_per_step()))));
  }
  run.overrides = all_overrides(arm, own);
  const config::RunConfig loaded = load(arm, own);
  const Input& input = input_of(loaded);
  run.config = run::complete(loaded, *input.input);
  run.identity = run::identity_of(run.config, input.fingerprints);
  return run;
}

Run Study::tuning_run(size_t arm, int64_t seed, const std::vector<std::string>& tuned) {
  return make_run(arm, seed, tuned, str("tune-", arms_[arm].name, "-", file_name_of(join(tuned, "-"))));
}

std::vector<Run> Study::tuning_runs() {
  std::vector<Run> runs;
  if (!is_tuned()) return runs;
  for (const int64_t seed : sweep_.tune_seeds.numbers) {
    for (const auto& tuned : combinations(sweep_.tune)) {
      for (size_t arm = 0; arm < arms_.size(); ++arm) runs.push_back(tuning_run(arm, seed, tuned));
    }
  }
  return runs;
}

std::vector<Run> Study::tuning_runs(size_t arm, const std::vector<std::string>& tuned) {
  std::vector<Run> runs;
  for (const int64_t seed : sweep_.tune_seeds.numbers) runs.push_back(tuning_run(arm, seed, tuned));
  return runs;
}

std::vector<Run> Study::judged_runs(const std::vector<std::vector<std::string>>& best) {
  std::vector<Run> runs;
  for (const int64_t seed : sweep_.seeds.numbers) {
    for (size_t arm = 0; arm < arms_.size(); ++arm) runs.push_back(make_run(arm, seed, best.at(arm), arms_[arm].name));
  }
  return runs;
}

}  // namespace strata::study
