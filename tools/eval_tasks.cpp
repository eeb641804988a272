#include "eval_tasks.h"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "eval_progress.h"
#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/base/version.h"
#include "strata/eval/results.h"
#include "strata/io/json.h"

namespace strata::tools {
namespace {

using nlohmann::json;

constexpr int64_t kBatchTokens = 4096;

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

// One model after the other on the same questions.
class Evaluator {
 public:
  Evaluator(const EvalTasksArguments& arguments, const EvalSetup& setup, const std::vector<eval::AskedTask>& tasks,
            dist::Communicator& workers, int64_t models)
      : arguments_(arguments),
        setup_(setup),
        tasks_(tasks),
        workers_(workers),
        progress_(models * eval::num_items(tasks), !workers.is_first()) {
    const eval::ItemSize largest = eval::size_of(tasks, arguments.scoring.max_length, setup.trees());
    limits_ = {.max_tokens = std::max({kBatchTokens, largest.tokens, largest.targets}),
               .longest_row = largest.longest,
               .trees = setup.trees()};
  }

  // What log-likelihoods depend on, beside the questions.
  json description() const {
    return {{"model", setup_.description()},
            {"shots", arguments_.requests.shots},
            {"append_eos", arguments_.requests.append_eos},
            {"max_length", arguments_.scoring.max_length}};
  }

  std::vector<eval::ScoredTask> run(std::optional<int64_t> without = {}) {
    eval::ScoreFile known = scores_so_far(without);
    const auto model = setup_.load(limits_, without);
    const std::string which = without ? str("without layer ", *without, ": ") : "";
    auto scored = eval::evaluate_tasks(
        model->model, tasks_, arguments_.scoring, workers_, known,
        [&](const eval::AskedTask& task, int64_t done) { progress_.show(which + task.name, done, task.num_items()); });
    finished_.push_back(std::move(known));
    return scored;
  }

  void end(const json& results) {
    progress_.end();
    if (!workers_.is_first() || arguments_.output.empty()) return;
    io::write_json(arguments_.output, results);
    for (eval::ScoreFile& file : finished_) file.remove();
  }

 private:
  eval::ScoreFile scores_so_far(std::optional<int64_t> without) {
    if (arguments_.output.empty()) return {};
    json evaluation = description();
    if (without) evaluation["without_layer"] = *without;
    const std::string name = without ? str(".without_", *without) : "";
    eval::ScoreFile file(arguments_.output + name + ".partial", evaluation.dump(), workers_);
    if (file.num_found() > 0 && workers_.is_first()) {
      std::cout << "  " << with_commas(file.num_found()) << " items were scored before\n" << std::flush;
    }
    return file;
  }

  const EvalTasksArguments& arguments_;
  const EvalSetup& setup_;
  const std::vector<eval::AskedTask>& tasks_;
  dist::Communicator& workers_;
  nn::BatchLimits limits_;
  EvalProgress progress_;
  std::vector<eval::ScoreFile> finished_;
};

json results_of(const std::vector<eval::ScoredTask>& tasks) {
  json results{{"tasks", eval::to_json(tasks)}};
  if (tasks.size() > 1) results["average"] = eval::average_acc(tasks);
  return results;
}

void print(const Table& table, bool markdown) {
  std::cout << "\n" << (markdown ? table.markdown() : table.text("  ")) << std::flush;
}

}  // namespace

void evaluate_on_tasks(const EvalModelArguments& model, EvalTasksArguments arguments) {
  const EvalSetup setup(model);
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
  print(eval::table_of(whole), arguments.markdown);
  if (!layers.empty()) print(eval::table_of_drops(whole, layers), arguments.markdown);
}

}  // namespace strata::tools
