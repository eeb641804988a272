#include "strata/eval/results.h"

#include <nlohmann/json.hpp>

#include "strata/base/text.h"

namespace strata::eval {
namespace {

using nlohmann::json;
using Align = Table::Align;

json or_null(const std::optional<double>& value) { return value ? json(*value) : json(nullptr); }

json accuracies(const Accuracy& acc, const Accuracy& acc_norm, bool has_acc_norm) {
  json numbers{{"acc", acc.value}, {"acc_stderr", or_null(acc.standard_error)}};
  if (has_acc_norm) {
    numbers["acc_norm"] = acc_norm.value;
    numbers["acc_norm_stderr"] = or_null(acc_norm.standard_error);
  }
  return numbers;
}

json to_json(const ScoredTask& task) {
  json result = accuracies(task.acc, task.acc_norm, task.has_acc_norm);
  const bool has_parts = task.sets.size() > 1;
  for (const ScoredSet& set : task.sets) {
    if (has_parts) result["sets"][set.name] = accuracies(set.acc, set.acc_norm, task.has_acc_norm);
    for (size_t doc = 0; doc < set.items.size(); ++doc) {
      const ScoredItem& item = set.items[doc];
      json one{{"doc", doc},
               {"log_likelihoods", item.log_likelihoods},
               {"prediction", item.prediction},
               {"gold", item.gold}};
      if (task.has_acc_norm) one["prediction_norm"] = item.prediction_norm;
      if (has_parts) one["set"] = set.name;
      result["items"].push_back(std::move(one));
    }
  }
  return result;
}

std::string per_cent(double share) { return fixed(100.0 * share, 2); }

std::string error_of(const Accuracy& accuracy) {
  return accuracy.standard_error ? per_cent(*accuracy.standard_error) : "";
}

int64_t items_of(const ScoredTask& task) {
  int64_t items = 0;
  for (const ScoredSet& set : task.sets) items += std::ssize(set.items);
  return items;
}

// "+1.25", "-0.40"
std::string change(double share) { return (share >= 0.0 ? "+" : "") + per_cent(share); }

}  // namespace

json to_json(const std::vector<ScoredTask>& tasks) {
  json all = json::object();
  for (const ScoredTask& task : tasks) all[task.name] = to_json(task);
  return all;
}

json accuracies(const std::vector<ScoredTask>& tasks) {
  json all = json::object();
  for (const ScoredTask& task : tasks) all[task.name] = accuracies(task.acc, task.acc_norm, task.has_acc_norm);
  return all;
}

Table table_of(const std::vector<ScoredTask>& tasks) {
  Table table({{"task"},
               {"items", Align::kRight},
               {"acc %", Align::kRight},
               {"stderr", Align::kRight},
               {"acc_norm %", Align::kRight},
               {"stderr", Align::kRight}});
  for (const ScoredTask& task : tasks) {
    const bool norm = task.has_acc_norm;
    table.add({task.name, with_commas(items_of(task)), per_cent(task.acc.value), error_of(task.acc),
               norm ? per_cent(task.acc_norm.value) : "", norm ? error_of(task.acc_norm) : ""});
  }
  if (tasks.size() > 1) table.add({str("average of ", tasks.size()), "", per_cent(average_acc(tasks)), "", "", ""});
  return table;
}

Table table_of_drops(const std::vector<ScoredTask>& whole, const std::vector<LayerLeftOut>& layers) {
  std::vector<Table::Column> columns{{"without layer"}};
  for (const ScoredTask& task : whole) columns.push_back({task.name, Align::kRight});
  columns.push_back({"average", Align::kRight});
  Table table(std::move(columns));
  const auto row = [&](const std::string& title, const auto& number) {
    std::vector<std::string> cells{title};
    for (size_t task = 0; task < whole.size(); ++task) cells.push_back(number(task));
    return cells;
  };
  auto first = row("none", [&](size_t task) { return per_cent(whole[task].acc.value); });
  first.push_back(per_cent(average_acc(whole)));
  table.add(std::move(first));
  for (const LayerLeftOut& left_out : layers) {
    auto cells = row(std::to_string(left_out.layer),
                     [&](size_t task) { return change(left_out.tasks[task].acc.value - whole[task].acc.value); });
    cells.push_back(change(average_acc(left_out.tasks) - average_acc(whole)));
    table.add(std::move(cells));
  }
  return table;
}

}  // namespace strata::eval
