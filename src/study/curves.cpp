#include "curves.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "numbers.h"
#include "strata/base/check.h"
#include "strata/study/statistics.h"

namespace strata::study {
namespace {

const Lines& lines_of(const RunLog& run, Log log) { return log == Log::kMetrics ? run.metrics : run.evaluations; }

// Of one run what the lines of a log are drawn over.
std::vector<double> x_of(const RunLog& run, Log log, const std::string& axis) {
  const Lines& lines = lines_of(run, log);
  if (axis == "steps") return lines.step;
  if (axis == "seconds") return seconds_at(run, lines.step);
  std::vector<double> x = lines.column("tokens");
  if (axis == "tokens") return x;
  if (run.flops_per_token == 0.0) return {};
  for (double& tokens : x) tokens *= run.flops_per_token;
  return x;
}

// Over the seeds, by step: x and y of those that have it.
struct Points {
  std::vector<double> x, y;
};

plot::Line mean_line(const std::map<double, Points>& by_step) {
  plot::Line line;
  for (const auto& [step, points] : by_step) {
    const Summary y = summarise(points.y);
    const double sd = std::isfinite(y.sd) ? y.sd : 0.0;
    line.x.push_back(summarise(points.x).mean);
    line.y.push_back(y.mean);
    line.low.push_back(y.mean - sd);
    line.high.push_back(y.mean + sd);
  }
  return line;
}

void add_arm(const ArmRuns& arm, int color, Log log, const std::string& column, const std::string& axis,
             std::vector<plot::Line>& lines) {
  std::map<double, Points> by_step;
  std::vector<plot::Line> singles;
  for (const auto& [seed, run] : arm.runs) {
    const std::vector<double>& y = lines_of(run, log).column(column);
    const std::vector<double> x = x_of(run, log, axis);
    if (y.empty() || x.size() != y.size()) continue;
    for (size_t i = 0; i < y.size(); ++i) {
      if (!std::isfinite(y[i]) || !std::isfinite(x[i])) continue;
      Points& points = by_step[lines_of(run, log).step[i]];
      points.x.push_back(x[i]);
      points.y.push_back(y[i]);
    }
    singles.push_back({.label = str(arm.name, ", seed ", seed), .color = color, .x = x, .y = y, .is_single = true});
  }
  if (by_step.empty()) return;
  plot::Line mean = mean_line(by_step);
  mean.label = arm.name;
  mean.color = color;
  if (singles.size() < 2) mean.low = mean.high = {};
  lines.push_back(std::move(mean));
  if (singles.size() > 1) std::ranges::move(singles, std::back_inserter(lines));
}

// A column of layers.jsonl, mean over the runs by step.
std::map<double, std::vector<Points>> layers_by_step(const ArmRuns& arm, const std::string& column) {
  std::map<double, std::vector<Points>> by_step;
  for (const auto& [seed, run] : arm.runs) {
    const auto found = run.layers.columns.find(column);
    if (found == run.layers.columns.end()) continue;
    for (size_t line = 0; line < run.layers.step.size(); ++line) {
      const std::vector<double>& values = found->second[line];
      std::vector<Points>& layers = by_step[run.layers.step[line]];
      if (layers.size() < values.size()) layers.resize(values.size());
      for (size_t layer = 0; layer < values.size(); ++layer) {
        if (std::isfinite(values[layer])) layers[layer].y.push_back(values[layer]);
      }
    }
  }
  return by_step;
}

double mean_of(const Points& points) { return summarise(points.y).mean; }

}  // namespace

plot::Panel curves_of(const std::vector<ArmRuns>& arms, Log log, const std::string& column, const plot::Lines& frame) {
  plot::Panel panel;
  for (const std::string axis : kXAxes) {
    plot::Lines figure = frame;
    figure.x.label = axis;
    for (size_t arm = 0; arm < arms.size(); ++arm) {
      add_arm(arms[arm], color_of(arm), log, column, axis, figure.lines);
    }
    if (!figure.lines.empty()) panel.variants.push_back({axis, std::move(figure)});
  }
  return panel;
}

std::vector<plot::HeatMap> heat_maps_of(const std::vector<ArmRuns>& arms, const std::string& column,
                                        const plot::HeatMap& frame) {
  std::vector<plot::HeatMap> maps;
  for (const ArmRuns& arm : arms) {
    const auto by_step = layers_by_step(arm, column);
    if (by_step.empty()) continue;
    plot::HeatMap map = frame;
    map.title = arms.size() > 1 ? str(frame.title, ", ", arm.name) : frame.title;
    size_t layers = 0;
    for (const auto& [step, values] : by_step) layers = std::max(layers, values.size());
    for (size_t layer = 0; layer < layers; ++layer) {
      map.ys.push_back(static_cast<double>(layer));
      for (const auto& [step, values] : by_step)
        map.values.push_back(layer < values.size() ? mean_of(values[layer]) : kNan);
    }
    for (const auto& [step, values] : by_step) map.xs.push_back(step);
    maps.push_back(std::move(map));
  }
  return maps;
}

std::optional<plot::Lines> depth_profile_of(const std::vector<ArmRuns>& arms, const std::string& column,
                                            const plot::Lines& frame) {
  plot::Lines figure = frame;
  for (size_t arm = 0; arm < arms.size(); ++arm) {
    const auto by_step = layers_by_step(arms[arm], column);
    if (by_step.empty()) continue;
    plot::Line line{.label = arms[arm].name, .color = color_of(arm)};
    for (const Points& layer : by_step.rbegin()->second) {
      const Summary values = summarise(layer.y);
      line.x.push_back(static_cast<double>(line.x.size()));
      line.y.push_back(values.mean);
      const double sd = std::isfinite(values.sd) ? values.sd : 0.0;
      line.low.push_back(values.mean - sd);
      line.high.push_back(values.mean + sd);
    }
    figure.lines.push_back(std::move(line));
  }
  return figure.lines.empty() ? std::nullopt : std::optional(std::move(figure));
}

plot::Bars bars_of(const std::vector<ArmRuns>& arms, const std::vector<Summary>& summaries, plot::Bars frame) {
  frame.groups = {""};
  for (size_t arm = 0; arm < arms.size(); ++arm) {
    const Summary& summary = summaries[arm];
    const double sd = std::isfinite(summary.sd) ? summary.sd : 0.0;
    frame.series.push_back({.label = arms[arm].name,
                            .color = color_of(arm),
                            .values = {summary.mean},
                            .low = {summary.mean - sd},
                            .high = {summary.mean + sd}});
  }
  return frame;
}

std::optional<plot::Bars> bars_of(const std::vector<ArmRuns>& arms, NumberOf number, const plot::Bars& frame) {
  std::vector<Summary> summaries;
  for (const ArmRuns& arm : arms) {
    std::vector<double> values;
    for (const auto& [seed, run] : arm.runs) {
      if (const double value = number(run); std::isfinite(value)) values.push_back(value);
    }
    summaries.push_back(summarise(values));
  }
  if (std::ranges::all_of(summaries, [](const Summary& summary) { return summary.n == 0; })) return std::nullopt;
  return bars_of(arms, summaries, frame);
}

std::optional<plot::Lines> sensitivity_of(const std::vector<ArmRuns>& tuning, const Outcome& outcome) {
  plot::Lines figure{.title = "tuning", .x = {.log = true}, .y = {.label = outcome.title}};
  std::map<std::string, std::map<double, Summary>> by_arm;
  std::vector<std::string> order;
  for (const ArmRuns& candidate : tuning) {
    if (candidate.tuned.size() != 1) return std::nullopt;
    const auto value = number_of_override(candidate.tuned.front());
    if (!value) return std::nullopt;
    figure.x.label = candidate.tuned.front().substr(0, candidate.tuned.front().find('='));
    figure.x.log = figure.x.log && *value > 0.0;
    if (!by_arm.contains(candidate.name)) order.push_back(candidate.name);
    by_arm[candidate.name][*value] = results_of({candidate}, 0, outcome).arms.front().summary;
  }
  for (size_t arm = 0; arm < order.size(); ++arm) {
    plot::Line line{.label = order[arm], .color = color_of(arm)};
    for (const auto& [value, summary] : by_arm[order[arm]]) {
      line.x.push_back(value);
      line.y.push_back(summary.mean);
    }
    figure.lines.push_back(std::move(line));
  }
  return figure.lines.empty() ? std::nullopt : std::optional(std::move(figure));
}

std::optional<plot::Bars> tasks_of(const std::vector<ArmRuns>& arms) {
  plot::Bars bars{.title = "downstream tasks", .y = {.label = "accuracy"}};
  std::set<std::string> names;
  for (const ArmRuns& arm : arms) {
    for (const auto& [seed, run] : arm.runs) {
      for (const auto& [task, lines] : run.tasks) names.insert(task);
    }
  }
  bars.groups = {names.begin(), names.end()};
  for (size_t arm = 0; arm < arms.size(); ++arm) {
    plot::BarSeries series{.label = arms[arm].name, .color = color_of(arm)};
    for (const std::string& task : bars.groups) {
      std::vector<double> values;
      double of_items = kNan;
      for (const auto& [seed, run] : arms[arm].runs) {
        const auto found = run.tasks.find(task);
        if (found == run.tasks.end() || found->second.column("acc").empty()) continue;
        values.push_back(found->second.column("acc").back());
        const auto& errors = found->second.column("acc_stderr");
        if (!errors.empty()) of_items = errors.back();
      }
      const Summary summary = summarise(values);
      const double error = std::isfinite(summary.standard_error) ? summary.standard_error : of_items;
      series.values.push_back(summary.mean);
      series.low.push_back(summary.mean - error);
      series.high.push_back(summary.mean + error);
    }
    bars.series.push_back(std::move(series));
  }
  return bars.groups.empty() ? std::nullopt : std::optional(std::move(bars));
}

std::vector<plot::HeatMap> distances_of(const std::vector<ArmRuns>& arms) {
  std::vector<plot::HeatMap> maps;
  for (const ArmRuns& arm : arms) {
    const auto found = std::ranges::find_if(arm.runs, [](const auto& run) { return run.second.analysis.has_value(); });
    if (found == arm.runs.end()) continue;
    plot::HeatMap map{.title = arms.size() > 1 ? str("angular distance, ", arm.name) : "angular distance",
                      .x = {.label = "layers passed"},
                      .y = {.label = "layers passed"},
                      .label = "angle / π"};
    for (const std::vector<double>& row : found->second.analysis->angular_distance) {
      map.xs.push_back(static_cast<double>(map.xs.size()));
      map.values.insert(map.values.end(), row.begin(), row.end());
    }
    map.ys = map.xs;
    maps.push_back(std::move(map));
  }
  return maps;
}

std::optional<plot::Bars> removals_of(const std::vector<ArmRuns>& arms) {
  std::vector<std::map<int64_t, std::vector<double>>> of_arms;  // by layer; -1: of the whole model
  std::set<int64_t> layers;
  for (const ArmRuns& arm : arms) {
    auto& values = of_arms.emplace_back();
    for (const auto& [seed, run] : arm.runs) {
      if (!run.layer_removal) continue;
      values[-1].push_back(run.layer_removal->whole);
      for (const auto& [layer, accuracy] : run.layer_removal->without) values[layer].push_back(accuracy);
    }
    for (const auto& [layer, accuracies] : values) layers.insert(layer);
  }
  plot::Bars bars{.title = "accuracy without a layer", .y = {.label = "mean accuracy of the tasks"}};
  for (const int64_t layer : layers) bars.groups.push_back(layer < 0 ? "none" : std::to_string(layer));
  for (size_t arm = 0; arm < arms.size(); ++arm) {
    plot::BarSeries series{.label = arms[arm].name, .color = color_of(arm)};
    for (const int64_t layer : layers) {
      const Summary summary = summarise(of_arms[arm][layer]);
      series.values.push_back(summary.mean);
      series.low.push_back(summary.mean - summary.sd);
      series.high.push_back(summary.mean + summary.sd);
    }
    bars.series.push_back(std::move(series));
  }
  return bars.groups.empty() ? std::nullopt : std::optional(std::move(bars));
}

}  // namespace strata::study
