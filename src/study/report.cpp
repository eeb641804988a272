#include "strata/study/report.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "curves.h"
#include "numbers.h"
#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/config/print.h"
#include "strata/io/file.h"
#include "strata/plot/page.h"
#include "strata/study/index.h"
#include "strata/study/sweep.h"

namespace strata::study {
namespace {

constexpr auto kToRight = Table::Align::kRight;
// What is drawn of layers.jsonl.
struct LayerColumn {
  const char* column;
  const char* title;
  bool log;
  std::optional<double> center;
};
const LayerColumn kLayerColumns[] = {
    {"activation_variance", "activation variance", true, {}},
    {"gradient_norm", "gradient norm", true, {}},
    {"weight_norm", "weight norm", false, {}},
    {"gate_factor", "gate 1 - act(alpha)", false, 1.0},
};

// The first steps warm caches up.
double tokens_per_second(const RunLog& run) {
  std::vector<double> rates = run.metrics.column("tokens_per_second");
  std::erase_if(rates, [](double rate) { return !std::isfinite(rate); });
  if (rates.empty()) return kNan;
  std::ranges::nth_element(rates, rates.begin() + std::ssize(rates) / 2);
  return rates[rates.size() / 2];
}

double peak_megabytes(const RunLog& run) { return run.peak_bytes > 0.0 ? run.peak_bytes / 1e6 : kNan; }

const RunLog* first_run(const std::vector<ArmRuns>& arms) {
  for (const ArmRuns& arm : arms) {
    for (const auto& [seed, run] : arm.runs) {
      if (!run.metrics.empty()) return &run;
    }
  }
  return nullptr;
}

// Keys whose values are not the same in all arms; seeds and how runs are computed aside.
Table compared_keys(const std::vector<ArmRuns>& arms) {
  std::vector<std::map<std::string, std::string>> of_arms;
  for (const ArmRuns& arm : arms) {
    of_arms.push_back(arm.runs.empty() ? std::map<std::string, std::string>()
                                       : deciding_keys(arm.runs.begin()->second.config));
  }
  std::set<std::string> keys;
  for (const auto& values : of_arms) {
    for (const auto& [key, value] : values) {
      if (value != of_arms.front()[key]) keys.insert(key);
    }
  }
  std::vector<Table::Column> columns{{"arm"}};
  for (const std::string& key : keys) columns.push_back({key});
  Table table(std::move(columns));
  for (size_t arm = 0; arm < arms.size(); ++arm) {
    std::vector<std::string> row{arms[arm].name};
    for (const std::string& key : keys) row.push_back(of_arms[arm][key]);
    table.add(std::move(row));
  }
  return table;
}

plot::Intervals differences_of(const Results& results) {
  plot::Intervals figure{.title = str("difference to ", results.base().name, ", 95 % CI"),
                         .x = {.label = results.outcome.title},
                         .reference = 0.0,
                         .reference_label = results.base().name};
  for (size_t arm = 0; arm < results.arms.size(); ++arm) {
    const PairedTest& test = results.arms[arm].test;
    if (arm == results.baseline || !std::isfinite(test.low)) continue;
    figure.rows.push_back({results.arms[arm].name, color_of(arm), test.differences.mean, test.low, test.high});
  }
  return figure;
}

// An outcome beside the one that is judged.
plot::Bars bars_of_outcome(const std::vector<ArmRuns>& arms, const Results& results) {
  std::vector<Summary> summaries;
  for (const ArmResult& arm : results.arms) summaries.push_back(arm.summary);
  return bars_of(arms, summaries, {.title = results.outcome.title});
}

plot::Panels overview(const Reported& reported) {
  plot::Panels panels;
  const auto add = [&](plot::Panel panel) {
    if (!panel.variants.empty()) panels.panels.push_back(std::move(panel));
  };
  const auto losses = [](const char* title) { return plot::Lines{.title = title, .y = {.label = "nats a token"}}; };
  if (!reported.results.empty()) {
    plot::Intervals differences = differences_of(reported.results.front());
    if (!differences.rows.empty()) add(plot::Panel::of(std::move(differences)));
  }
  add(curves_of(reported.arms, Log::kEvaluations, "loss", losses("validation loss")));
  add(curves_of(reported.arms, Log::kMetrics, "loss", losses("training loss")));
  add(curves_of(reported.arms, Log::kMetrics, "grad_norm",
                {.title = "gradient norm", .y = {.label = "L2 norm", .log = true}}));
  if (!reported.results.empty()) {
    if (auto figure = sensitivity_of(reported.tuning, reported.results.front().outcome))
      add(plot::Panel::of(std::move(*figure)));
  }
  for (size_t other = 1; other < reported.results.size(); ++other) {
    add(plot::Panel::of(bars_of_outcome(reported.arms, reported.results[other])));
  }
  if (auto figure = tasks_of(reported.arms)) add(plot::Panel::of(std::move(*figure)));
  return panels;
}

plot::Panels profiles(const Reported& reported) {
  plot::Panels panels;
  for (const LayerColumn& of : kLayerColumns) {
    const plot::Lines frame{.title = str(of.title, " by depth, last step"),
                            .x = {.label = "layer", .is_count = true},
                            .y = {.log = of.log}};
    if (auto figure = depth_profile_of(reported.arms, of.column, frame))
      panels.panels.push_back(plot::Panel::of(std::move(*figure)));
  }
  return panels;
}

plot::Panels heat_maps(const Reported& reported) {
  plot::Panels panels;
  for (const LayerColumn& of : kLayerColumns) {
    const plot::HeatMap frame{
        .title = of.title, .x = {.label = "step"}, .y = {.label = "layer"}, .log = of.log, .center = of.center};
    for (plot::HeatMap& map : heat_maps_of(reported.arms, of.column, frame))
      panels.panels.push_back(plot::Panel::of(std::move(map)));
  }
  return panels;
}

plot::Panels layers_apart(const Reported& reported) {
  plot::Panels panels;
  for (plot::HeatMap& map : distances_of(reported.arms)) panels.panels.push_back(plot::Panel::of(std::move(map)));
  if (auto bars = removals_of(reported.arms)) panels.panels.push_back(plot::Panel::of(std::move(*bars)));
  return panels;
}

plot::Panels costs(const Reported& reported) {
  plot::Panels panels;
  if (auto bars =
          bars_of(reported.arms, tokens_per_second, {.title = "speed, median step", .y = {.label = "tokens/s"}})) {
    panels.panels.push_back(plot::Panel::of(std::move(*bars)));
  }
  if (auto bars = bars_of(reported.arms, peak_megabytes, {.title = "memory, resident at most", .y = {.label = "MB"}})) {
    panels.panels.push_back(plot::Panel::of(std::move(*bars)));
  }
  return panels;
}

std::string state_text(const RunLog& run) {
  if (!run.failure.empty()) return "failed: " + run.failure;
  if (run.is_complete) return "complete";
  return run.metrics.empty() ? "begun" : str("step ", run.metrics.step.back());
}

Table run_table(const std::vector<ArmRuns>& arms) {
  Table table({{"arm"},
               {"seed", kToRight},
               {"state"},
               {"steps", kToRight},
               {"tokens", kToRight},
               {"validation loss", kToRight},
               {"folder"}});
  for (const ArmRuns& arm : arms) {
    for (const auto& [seed, run] : arm.runs) {
      const auto& tokens = run.metrics.column("tokens");
      const auto& losses = run.evaluations.column("loss");
      table.add({arm.name, std::to_string(seed), state_text(run),
                 run.metrics.empty() ? "0" : with_commas(static_cast<int64_t>(run.metrics.step.back())),
                 tokens.empty() ? "0" : with_commas(static_cast<int64_t>(tokens.back())),
                 losses.empty() ? "-" : fixed(losses.back(), 4), run.folder.lexically_normal().string()});
    }
  }
  return table;
}

// Of all runs the same, or nothing.
std::string common(const std::vector<ArmRuns>& arms, int64_t (*number)(const RunLog& run), const std::string& unit) {
  std::set<int64_t> numbers;
  for (const ArmRuns& arm : arms) {
    for (const auto& [seed, run] : arm.runs) numbers.insert(number(run));
  }
  return numbers.size() == 1 && *numbers.begin() > 0 ? str(", ", with_commas(*numbers.begin()), unit) : "";
}

std::string subtitle_of(const Reported& reported) {
  int64_t runs = 0;
  for (const ArmRuns& arm : reported.arms) runs += std::ssize(arm.runs);
  return str(reported.arms.size(), reported.arms.size() == 1 ? " arm, " : " arms, ", runs, runs == 1 ? " run" : " runs",
             common(
                 reported.arms, [](const RunLog& run) { return run.parameters; }, " parameters"),
             common(
                 reported.arms, [](const RunLog& run) { return run.config.train.steps; }, " steps"));
}

void add_panels(plot::Page& page, const std::string& heading, plot::Panels panels) {
  if (panels.panels.empty()) return;
  page.blocks.push_back(plot::Heading{heading});
  page.blocks.push_back(std::move(panels));
}

void add_results(plot::Page& page, const std::vector<Results>& all) {
  for (size_t i = 0; i < all.size(); ++i) {
    if (i == 0) page.blocks.push_back(plot::Verdict{verdicts(all[i])});
    page.blocks.push_back(plot::Heading{i == 0 ? "Table" : all[i].outcome.title});
    page.blocks.push_back(table_of(all[i]));
    if (i > 0) page.blocks.push_back(plot::Paragraph{join(verdicts(all[i]), ". ") + "."});
  }
  if (all.empty()) return;
  page.blocks.push_back(plot::Paragraph{
      "Differences are paired by seed: same rows in the same order, same start values of what arms have in common. "
      "p: two-sided paired t test, Holm over the arms. could show: the smallest difference that these seeds find with "
      "80 % power, after Holm. sd, se: over the seeds."});
}

void add_provenance(plot::Page& page, const Reported& reported) {
  page.blocks.push_back(plot::Heading{"Where it comes from"});
  page.blocks.push_back(run_table(reported.arms));
  const RunLog* first = first_run(reported.arms);
  if (first == nullptr) return;
  page.blocks.push_back(
      plot::Details{"config of " + first->folder.filename().string(), config::to_yaml(first->config)});
  for (const ArmRuns& arm : reported.arms) {
    if (!arm.runs.empty() && !arm.runs.begin()->second.record.empty()) {
      const RunLog& run = arm.runs.begin()->second;
      page.blocks.push_back(plot::Details{"run.json of " + run.folder.filename().string(), run.record});
    }
  }
}

std::string title_of(const plot::Figure& figure) {
  return std::visit([](const auto& one) { return one.title; }, figure);
}

}  // namespace

void write_report(const Reported& reported, const ReportOptions& options) {
  plot::Page page{.title = options.title, .subtitle = subtitle_of(reported), .reload_seconds = options.reload_seconds};
  for (size_t arm = 0; arm < reported.arms.size(); ++arm) {
    page.arms.push_back({reported.arms[arm].name, color_of(arm)});
  }
  add_results(page, reported.results);
  if (reported.arms.size() > 1) {
    page.blocks.push_back(plot::Heading{"What was compared"});
    page.blocks.push_back(compared_keys(reported.arms));
  }
  add_panels(page, "Loss", overview(reported));
  add_panels(page, "Layers", profiles(reported));
  add_panels(page, "Layers over the steps", heat_maps(reported));
  add_panels(page, "Layers against each other", layers_apart(reported));
  add_panels(page, "Cost", costs(reported));
  add_provenance(page, reported);
  io::write_atomically(options.page, plot::html(page));
}

std::vector<NamedFigure> figures_of(const Reported& reported) {
  std::vector<NamedFigure> figures;
  for (const plot::Panels& panels :
       {overview(reported), profiles(reported), heat_maps(reported), layers_apart(reported), costs(reported)}) {
    for (const plot::Panel& panel : panels.panels) {
      for (const plot::Panel::Variant& variant : panel.variants) {
        const std::string over = variant.name.empty() || variant.name == "steps" ? "" : " over " + variant.name;
        figures.push_back({file_name_of(title_of(variant.figure) + over), variant.figure});
      }
    }
  }
  return figures;
}

}  // namespace strata::study
