#include "strata/train/tensorboard.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/config/print.h"
#include "strata/io/event_file.h"
#include "strata/train/written_files.h"

namespace strata::train {
namespace {

using nlohmann::json;
using Scalars = std::vector<io::Scalar>;

constexpr int64_t kDensePoints = 10'000;
constexpr int64_t kAllPoints = INT64_MAX;

// "03": with zeros before it, so that tags sort as numbers do.
std::string number_of(size_t layer, size_t layers) {
  const size_t digits = std::max<size_t>(2, std::to_string(layers - 1).size());
  const std::string number = std::to_string(layer);
  return std::string(digits - number.size(), '0') + number;
}

// The element's place in an array over layers, or over the two sub-layers of each.
std::string name_of_element(size_t element, size_t elements, size_t layers) {
  if (elements != 2 * layers) return number_of(element, elements);
  return number_of(element / 2, layers) + (element % 2 == 0 ? "_attention" : "_feed_forward");
}

void add(Scalars& scalars, const std::string& tag, const json& value, size_t layers) {
  if (value.is_number()) scalars.push_back({tag, value.get<double>()});
  if (!value.is_array()) return;
  for (size_t i = 0; i < value.size(); ++i) {
    add(scalars, tag + "/" + name_of_element(i, value.size(), layers), value[i], layers);
  }
}

Scalars scalars_of(const WrittenFile& file, const json& line, bool trains_gates) {
  const size_t layers = line.value("weight_norm", json::array()).size();
  Scalars scalars;
  for_each_value(file, line, [&](const std::vector<std::string>& path, const WrittenField* field, const json& value) {
    if (field == nullptr || !field->is_drawn || (field->is_of_gates && !trains_gates)) return;
    add(scalars, file.tag + "/" + join(path, "/"), value, layers);
  });
  return scalars;
}

std::filesystem::path new_file(const std::filesystem::path& run, int64_t step) {
  std::filesystem::create_directories(run / "tb");
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  return run / "tb" / str("events.out.tfevents.", seconds, ".strata.from", step);
}

// Text in Markdown keeps its lines where four spaces stand before each.
std::string as_code(const std::string& text) {
  std::string code = "    ";
  for (const char character : text) code += character == '\n' ? "\n    " : std::string(1, character);
  return code;
}

// What the numbers of a run depend on, by the config.
std::vector<std::pair<std::string, std::string>> settings_of(const config::RunConfig& config) {
  std::vector<std::pair<std::string, std::string>> settings = config::flatten(config);
  std::erase_if(settings, [](const auto& one) { return !config::changes_numbers(config::affects_of(one.first)); });
  return settings;
}

}  // namespace

void draw_in_tensorboard(RunLogs& logs, const config::RunConfig& config, int64_t kept, bool trains_gates) {
  const int64_t begun_at = std::max<int64_t>(kept, 0);
  const auto events = std::make_shared<io::EventFile>(new_file(config.run.dir, begun_at), kept + 1);
  events->add_text(begun_at, "config", as_code(config::to_yaml(config)));
  events->add_settings(settings_of(config));
  const auto draw = [&](io::JsonLines& log, const WrittenFile& file, int64_t dense) {
    log.watch([events, &file, dense, trains_gates](const json& line) {
      const int64_t step = line.at("step");
      if (is_logged(step, dense)) events->add(step, scalars_of(file, line, trains_gates));
    });
  };
  draw(logs.metrics, metrics_fields(), kDensePoints);
  draw(logs.layers, layers_fields(), kDensePoints);
  draw(logs.evaluations, evaluations_fields(), kAllPoints);
  if (logs.tasks) draw(*logs.tasks, tasks_fields(), kAllPoints);
}

}  // namespace strata::train
