#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "strata/base/table.h"
#include "strata/study/run_log.h"
#include "strata/study/statistics.h"

/// From the runs of arms to a table and a verdict.
namespace strata::study {

/// The runs of one arm, by seed. One that failed, or came to no finite outcome, is there and counts as such.
struct ArmRuns {
  std::string name;
  std::vector<std::string> tuned = {};  // values that it runs with, where any were tuned
  std::map<int64_t, RunLog> runs = {};  // by seed; those that are not there yet are missing
  int64_t asked = 0;                    // seeds
};

/// What is measured of a run.
struct Outcome {
  std::string name;   // as sweep.outcome has it
  std::string title;  // for people
  bool is_lower_better = true;
  int digits = 4;
};
/// Throws UsageError for a name that none has; tasks are taken as they come.
Outcome outcome_of(const std::string& name);

struct ArmResult {
  std::string name;
  std::vector<std::string> tuned = {};
  int64_t asked = 0, failed = 0, missing = 0;  // runs; failed: those without a finite outcome too
  std::map<int64_t, double> values = {};       // by seed, finite ones
  Summary summary = {};
  PairedTest test = {};              // against the baseline, over the seeds that both have
  double p_holm = 1.0;               // over all arms but the baseline
  double smallest_difference = 0.0;  // that these seeds could have shown with kPower, after Holm
  int64_t seeds_needed = 0;          // to show the difference that was seen, after Holm
  double p_target = 1.0;             // that it is better than the target
};

struct Results {
  Outcome outcome;
  size_t baseline = 0;
  std::optional<double> target = {};
  std::vector<ArmResult> arms = {};

  const ArmResult& base() const { return arms[baseline]; }
};

/// arms[baseline] is what the others are compared with.
Results results_of(const std::vector<ArmRuns>& arms, size_t baseline, const Outcome& outcome,
                   std::optional<double> target = {});

/// Of a tuned arm: its candidate with the best mean outcome over seeds that all candidates have come through; ties go
/// to the first. Nothing where none has.
std::optional<size_t> best_of(const std::vector<ArmRuns>& candidates, const Outcome& outcome);

/// One sentence for each arm but the baseline, and before them one for each arm with runs that failed or are missing.
std::vector<std::string> verdicts(const Results& results);

/// An arm a line, with all that is said of it.
Table table_of(const Results& results);
/// The same for a terminal: means, differences, p.
Table brief_table_of(const Results& results);
/// The same numbers with all their digits, a header line first.
std::string csv_of(const std::vector<Results>& results);
/// As LaTeX, with booktabs.
std::string latex_of(const Results& results);

}  // namespace strata::study
