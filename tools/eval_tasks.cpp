#include "eval_tasks.h"

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "evaluator.h"
#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/base/version.h"
#include "strata/eval/results.h"
#include "strata/io/json.h"

namespace strata::tools {
namespace {

using nlohmann::json;

std::vector<int64_t> layers_to_drop(const std::vector<std::string>& words, int64_t layers) {
  std::vector<int64_t> dropped;
  for (const std::string& word : words) {
    if (word == "each") {
      for (int64_t layer = 0; layer < layers; ++layer) dropped.push_back(layer);
      continue;
    }
    int64_t layer = -1;
    if (!CLI::detail::lexical_cast(word, layer) || layer < 0 || layer >= layers) {
      throw UsageError(str("--drop-layer=", word, ": is neither a layer from 0 to ", layers - 1, " nor \"each\""));
    }
    dropped.push_back(layer);
  }
  return dropped;
}

json results_of(const std::vector<eval::ScoredTask>& tasks) {
  json results{{"tasks", eval::to_json(tasks)}};
  if (tasks.size() > 1) results["average"] = eval::average_acc(tasks);
  return results;
}

}  // namespace

void evaluate_on_tasks(const EvalModelArguments& model, EvalTasksArguments arguments) {
  const EvalSetup setup(model);
  if (!std::filesystem::is_directory(arguments.folder)) {
    throw UsageError(
        str("--data: ", arguments.folder, ": no such folder; scripts/fetch_data.sh eval fetches the tasks"));
  }
  if (arguments.scoring.max_length == 0) arguments.scoring.max_length = setup.folder().config.model.max_positions;
  const std::vector<int64_t> dropped = layers_to_drop(arguments.drop_layers, setup.folder().spec.dims.layers);
  const auto tasks =
      eval::ask(eval::load_tasks(arguments.tasks, arguments.folder), setup.tokenizer(), arguments.requests);
  Workers workers = setup.join({{"questions", hex(eval::fingerprint_of(tasks))}});
  if (workers.group->is_first()) {
    std::cout << "strata " << version() << " · eval · " << setup.text() << "\n  " << tasks.size()
              << (tasks.size() == 1 ? " task, " : " tasks, ") << with_commas(eval::num_items(tasks)) << " items, "
              << arguments.requests.shots << " shots, up to " << with_commas(arguments.scoring.max_length)
              << " tokens\n"
              << std::flush;
  }
  workers.watch_each_other();
  Evaluator evaluator(arguments, setup, tasks, *workers.group, 1 + std::ssize(dropped));
  const auto whole = evaluator.run();
  json results = results_of(whole);
  results["evaluation"] = evaluator.description();
  std::vector<eval::LayerLeftOut> layers;
  for (const int64_t layer : dropped) {
    layers.push_back({.layer = layer, .tasks = evaluator.run(layer)});
    results["without_layer"][std::to_string(layer)] = results_of(layers.back().tasks);
  }
  evaluator.end(results);
  workers.leave();
  if (!workers.group->is_first()) return;
  print_table(eval::table_of(whole), arguments.markdown);
  if (!layers.empty()) print_table(eval::table_of_drops(whole, layers), arguments.markdown);
}

}  // namespace strata::tools
