#include "tuning.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>

#include "numbers.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/study/index.h"

namespace strata::study {
namespace {

using Overrides = std::vector<std::string>;

// Of each arm the best of the combinations that were tried.
std::vector<Overrides> best_values(const Study& study, const std::vector<Run>& runs) {
  std::vector<Overrides> best(study.arms().size());
  const std::vector<RunGroup> tried = index_of(study, runs, {}).tuning;
  for (size_t arm = 0; arm < best.size(); ++arm) {
    const std::string& name = study.arms()[arm].name;
    std::vector<RunGroup> own;
    std::ranges::copy_if(tried, std::back_inserter(own), [&](const RunGroup& group) { return group.name == name; });
    const auto choice = best_of(read_groups(own), outcome_of(study.sweep().outcome.front()));
    STRATA_CHECK(choice, "arm ", name, ": no value of ", join(tuned_keys(study.sweep()), ", "),
                 " came through all of tune_seeds; there is nothing to go on with");
    best[arm] = own[*choice].tuned;
  }
  return best;
}

// The values of a key that an arm was tried with, in order, and their overrides; none where they are not positive.
std::map<double, std::string> tried_values(const std::vector<Run>& runs, size_t arm, size_t key) {
  std::map<double, std::string> values;
  for (const Run& run : runs) {
    if (run.arm != arm) continue;
    const auto number = number_of_override(run.tuned[key]);
    if (!number || *number <= 0.0) return {};
    values.emplace(*number, run.tuned[key]);
  }
  return values;
}

// Where the best of at least three values is the first or the last: the next one, in the ratio of the last two.
std::optional<double> value_beyond(const std::map<double, std::string>& values, const std::string& best) {
  if (values.size() < 3) return std::nullopt;
  const auto first = values.begin();
  const auto last = values.rbegin();
  if (first->second == best) return first->first * first->first / std::next(first)->first;
  if (last->second == best) return last->first * last->first / std::next(last)->first;
  return std::nullopt;
}

// For every arm whose best lies at an end: the combination that is its neighbour outside.
std::vector<Run> runs_beyond(Study& study, const Tuned& tuned) {
  const std::vector<std::string> keys = tuned_keys(study.sweep());
  std::vector<Run> runs;
  for (size_t arm = 0; arm < tuned.best.size(); ++arm) {
    for (size_t key = 0; key < keys.size(); ++key) {
      const std::string& best = tuned.best[arm][key];
      const auto beyond = value_beyond(tried_values(tuned.runs, arm, key), best);
      if (!beyond) continue;
      Overrides next = tuned.best[arm];
      next[key] = str(keys[key], "=", significant(*beyond, 3));
      log::say(str("  ", study.arms()[arm].name, ": ", best, " lies at the end of what was tried; ",
                   significant(*beyond, 3), " is tried too"));
      std::ranges::move(study.tuning_runs(arm, next), std::back_inserter(runs));
    }
  }
  return runs;
}

void say_choices(const Study& study, const Tuned& tuned) {
  const std::vector<std::string> keys = tuned_keys(study.sweep());
  for (size_t arm = 0; arm < tuned.best.size(); ++arm) {
    const std::string& name = study.arms()[arm].name;
    log::say(str("  ", name, " runs with ", join(tuned.best[arm], ", ")));
    for (size_t key = 0; key < keys.size(); ++key) {
      if (value_beyond(tried_values(tuned.runs, arm, key), tuned.best[arm][key])) {
        log::warn(str(name, ": the best ", keys[key], " lies at the end of what was tried"));
      }
    }
  }
}

}  // namespace

std::vector<std::string> tuned_keys(const SweepConfig& sweep) {
  std::vector<std::string> keys;
  for (const auto& [key, values] : sweep.tune) keys.push_back(key);
  return keys;
}

Tuned tune(Study& study, const std::vector<Run>& first, const QueueOptions& queue) {
  Tuned tuned{.best = std::vector<Overrides>(study.arms().size())};
  if (!study.is_tuned()) return tuned;
  std::vector<Run> next = first;
  for (int64_t beyond = 0; !next.empty(); ++beyond) {
    tuned.signal = run_all(next, queue).signal;
    std::ranges::move(next, std::back_inserter(tuned.runs));
    if (tuned.signal != 0) return tuned;
    tuned.best = best_values(study, tuned.runs);
    next = beyond < study.sweep().tune_beyond ? runs_beyond(study, tuned) : std::vector<Run>();
  }
  say_choices(study, tuned);
  return tuned;
}

}  // namespace strata::study
