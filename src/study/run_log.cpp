#include "strata/study/run_log.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "numbers.h"
#include "object_at.h"
#include "strata/base/check.h"
#include "strata/config/load.h"
#include "strata/io/file.h"
#include "strata/io/json.h"
#include "strata/run/analyze.h"
#include "strata/run/record.h"

namespace strata::study {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

double number_of(const json& value) {
  if (value.is_boolean()) return value.get<bool>() ? 1.0 : 0.0;
  return value.is_number() ? value.get<double>() : kNan;
}

// Every object with a step, in the order of the file.
template <class Use>
void for_each_line(const fs::path& path, const Use& use) {
  std::ifstream file(path);
  for (std::string text; std::getline(file, text);) {
    const json line = json::parse(text, nullptr, false);
    if (line.is_object() && line.contains("step") && line["step"].is_number()) use(line);
  }
}

// A column that is longer than the others by this line's number, whatever lines before had of it.
template <class Value>
void put(std::vector<Value>& column, size_t line, Value value, const Value& missing) {
  column.resize(line, missing);
  column.push_back(std::move(value));
}

void add_line(Lines& lines, double step, const json& object) {
  const size_t line = lines.step.size();
  lines.step.push_back(step);
  for (const auto& [key, value] : object.items()) {
    if (key != "step" && !value.is_object() && !value.is_array()) put(lines.columns[key], line, number_of(value), kNan);
  }
}

void fill_up(Lines& lines) {
  for (auto& [name, column] : lines.columns) column.resize(lines.step.size(), kNan);
}

Lines read_lines(const fs::path& path) {
  Lines lines;
  for_each_line(path, [&](const json& line) { add_line(lines, line["step"].get<double>(), line); });
  fill_up(lines);
  return lines;
}

LayerLines read_layers(const fs::path& path) {
  LayerLines lines;
  for_each_line(path, [&](const json& line) {
    const size_t number = lines.step.size();
    lines.step.push_back(line["step"].get<double>());
    for (const auto& [key, value] : line.items()) {
      if (!value.is_array()) continue;
      std::vector<double> numbers;
      for (const json& element : value) numbers.push_back(number_of(element));
      put(lines.columns[key], number, std::move(numbers), {});
    }
  });
  for (auto& [name, column] : lines.columns) column.resize(lines.step.size());
  return lines;
}

std::map<std::string, Lines> read_tasks(const fs::path& path) {
  std::map<std::string, Lines> tasks;
  for_each_line(path, [&](const json& line) {
    for (const auto& [name, scores] : line.items()) {
      if (scores.is_object()) add_line(tasks[name], line["step"].get<double>(), scores);
    }
  });
  for (auto& [name, lines] : tasks) fill_up(lines);
  return tasks;
}

double number_in(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : 0.0;
}

std::optional<RunAnalysis> analysis_in(const json& object) {
  RunAnalysis analysis;
  const json rows = object.value("angular_distance", json::array());
  for (const json& row : rows) {
    if (!row.is_array() || row.size() != rows.size()) return std::nullopt;
    std::vector<double>& distances = analysis.angular_distance.emplace_back();
    for (const json& distance : row) distances.push_back(number_of(distance));
  }
  return analysis.angular_distance.empty() ? std::nullopt : std::optional(std::move(analysis));
}

// The average of several tasks, or the accuracy of one.
double accuracy_in(const json& results) {
  if (!results.is_object()) return kNan;
  if (results.contains("average")) return number_of(results["average"]);
  const json tasks = results.value("tasks", json::object());
  if (tasks.size() != 1 || !tasks.front().is_object()) return kNan;
  return number_of(tasks.front().value("acc", json()));
}

std::optional<LayerRemoval> layer_removal_in(const json& results) {
  LayerRemoval removal{.whole = accuracy_in(results)};
  const json without = results.value("without_layer", json::object());
  for (const auto& [layer, scores] : without.items()) {
    int64_t number = 0;
    const auto end = std::from_chars(layer.data(), layer.data() + layer.size(), number);
    if (end.ec == std::errc{}) removal.without[number] = accuracy_in(scores);
  }
  return removal.without.empty() ? std::nullopt : std::optional(std::move(removal));
}

}  // namespace

const std::vector<double>& Lines::column(const std::string& name) const {
  static const std::vector<double> kNone;
  const auto found = columns.find(name);
  return found == columns.end() ? kNone : found->second;
}

bool is_run(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / "config.yaml", ignored) && fs::exists(folder / "metrics.jsonl", ignored);
}

RunLog read_run(const fs::path& folder) {
  RunLog run{.folder = folder};
  const json failed = object_at(failure_file(folder)).value_or(json::object());
  if (failed.contains("why") && failed["why"].is_string()) run.failure = failed["why"];
  if (!run.failure.empty() && !fs::exists(folder / "config.yaml")) return run;  // it failed before it began
  run.config = config::load(folder / "config.yaml").config;
  const json record = object_at(run::record_file(folder)).value_or(json::object());
  run.is_complete = record.contains("end");
  run.flops_per_token = number_in(record, "flops_per_token");
  run.parameters = static_cast<int64_t>(number_in(record, "parameters"));
  if (run.is_complete) run.peak_bytes = number_in(record["end"], "peak_resident_bytes");
  if (!record.empty()) run.record = record.dump(2);
  run.metrics = read_lines(folder / "metrics.jsonl");
  run.evaluations = read_lines(folder / "eval.jsonl");
  run.layers = read_layers(folder / "layers.jsonl");
  run.tasks = read_tasks(folder / "tasks.jsonl");
  run.analysis = analysis_in(object_at(run::analysis_file(folder)).value_or(json::object()));
  run.layer_removal = layer_removal_in(object_at(folder / "results.json").value_or(json::object()));
  return run;
}

std::vector<double> seconds_at(const RunLog& run) {
  std::vector<double> sums;
  double sum = 0.0, step_before = 0.0;
  const std::vector<double>& seconds = run.metrics.column("seconds");
  for (size_t line = 0; line < seconds.size(); ++line) {
    const double steps = run.metrics.step[line] - step_before;  // long runs have fewer lines than steps
    if (std::isfinite(seconds[line])) sum += seconds[line] * steps;
    step_before = run.metrics.step[line];
    sums.push_back(sum);
  }
  return sums;
}

std::vector<double> seconds_at(const RunLog& run, const std::vector<double>& steps) {
  const std::vector<double> sums = seconds_at(run);
  std::vector<double> values;
  for (const double step : steps) {
    const auto line = std::ranges::upper_bound(run.metrics.step, step) - run.metrics.step.begin();
    values.push_back(line == 0 ? 0.0 : sums[static_cast<size_t>(line - 1)]);
  }
  return values;
}

}  // namespace strata::study
