#pragma once

#include <string>
#include <vector>

#include "strata/plot/page.h"
#include "strata/study/results.h"

/// Figures from what runs of arms logged.
namespace strata::study {

/// What a curve is drawn over: its name on the page's switch.
inline constexpr const char* kXAxes[] = {"steps", "tokens", "FLOPs", "seconds"};

enum class Log { kMetrics, kEvaluations };

/// A column over steps, tokens, FLOPs and seconds: of each arm the mean over the seeds that have the step, a band of
/// one standard deviation to both sides, and the single seeds. Empty where no run has the column.
plot::Panel curves_of(const std::vector<ArmRuns>& arms, Log log, const std::string& column, const plot::Lines& frame);

/// A column of layers.jsonl as it develops in one arm, layer by step, mean over the seeds. Empty: nothing was logged.
std::vector<plot::HeatMap> heat_maps_of(const std::vector<ArmRuns>& arms, const std::string& column,
                                        const plot::HeatMap& frame);

/// The same at the last step, over the layers: a line for each arm.
std::optional<plot::Lines> depth_profile_of(const std::vector<ArmRuns>& arms, const std::string& column,
                                            const plot::Lines& frame);

/// The color of an arm, by its number.
inline int color_of(size_t arm) { return static_cast<int>(arm) % plot::kColors; }

/// A bar of each arm: means, and standard deviations over the seeds.
plot::Bars bars_of(const std::vector<ArmRuns>& arms, const std::vector<Summary>& summaries, plot::Bars frame);

/// Mean and standard deviation over the seeds of one number of each run; NaN where a run has none.
using NumberOf = double (*)(const RunLog& run);
std::optional<plot::Bars> bars_of(const std::vector<ArmRuns>& arms, NumberOf number, const plot::Bars& frame);

/// Outcome over the values that were tried for one key, a line for each arm. Nothing where another number of keys was
/// tuned, or values are no numbers.
std::optional<plot::Lines> sensitivity_of(const std::vector<ArmRuns>& tuning, const Outcome& outcome);

/// Accuracies of tasks with their standard errors over seeds, or of the items where there is one seed.
std::optional<plot::Bars> tasks_of(const std::vector<ArmRuns>& arms);

/// Angular distance of every pair of places in the residual stream, of each arm that strata analyze has seen a run of.
std::vector<plot::HeatMap> distances_of(const std::vector<ArmRuns>& arms);

/// Accuracy without each layer, beside that of the whole model; mean and standard deviation over the seeds.
std::optional<plot::Bars> removals_of(const std::vector<ArmRuns>& arms);

}  // namespace strata::study
