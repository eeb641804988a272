#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "evaluation.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/base/version.h"
#include "strata/io/json.h"
#include "strata/run/evaluate.h"

namespace strata::run {
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
    const char* end = word.data() + word.size();
    const auto [parsed, failure] = std::from_chars(word.data(), end, layer);
    if (failure != std::errc() || parsed != end || layer < 0 || layer >= layers) {
      throw UsageError(str("--drop-layer=", word, ": is neither a layer from 0 to ", layers - 1, " nor \"each\""));
    }
    dropped.push_back(layer);
  }
  return dropped;
}

// Into what an earlier call found of other tasks.
void add_results(json& results, const std::vector<eval::ScoredTask>& tasks) {
  json& all = results["tasks"];
  all.update(eval::to_json(tasks));
  if (all.size() < 2) return;
  double sum = 0.0;
  for (const json& task : all) sum += task.at("acc").get<double>();
  results["average"] = sum / static_cast<double>(all.size());
}

// What log-likelihoods depend on, beside the questions.
json describe(const TasksOptions& options, const EvalSetup& setup) {
  return {{"model", setup.description()},
          {"shots", options.requests.shots},
          {"append_eos", options.requests.append_eos},
          {"max_length", options.scoring.max_length}};
}

// Scores one model after the other on the same questions; a collective. What it is given must outlive it.
class Evaluator {
 public:
  // models: how many there will be.
  Evaluator(const TasksOptions& options, const EvalSetup& setup, const std::vector<eval::AskedTask>& tasks,
            workers::Communicator& workers, int64_t models);

  // The model, without a layer where one is named. With options.output what is found is kept beside it at once.
  std::vector<eval::ScoredTask> run(std::optional<int64_t> without = {});

  // Writes the results, which hold all that was found.
  void end(const nlohmann::json& results);

 private:
  eval::ScoreFile scores_so_far(std::optional<int64_t> without) const;

  const TasksOptions& options_;
  const EvalSetup& setup_;
  const std::vector<eval::AskedTask>& tasks_;
  workers::Communicator& workers_;
  nn::BatchLimits limits_;
  EvalProgress progress_;
  std::vector<eval::ScoreFile> finished_;
};

Evaluator::Evaluator(const TasksOptions& options, const EvalSetup& setup, const std::vector<eval::AskedTask>& tasks,
                     workers::Communicator& workers, int64_t models)
    : options_(options),
      setup_(setup),
      tasks_(tasks),
      workers_(workers),
      progress_(models * eval::num_items(tasks), !workers.is_first()) {
  const eval::ItemSize largest = eval::size_of(tasks, options.scoring.max_length, setup.trees());
  limits_ = {.max_tokens = std::max({kBatchTokens, largest.tokens, largest.targets}),
             .longest_row = largest.longest,
             .trees = setup.trees()};
}

std::vector<eval::ScoredTask> Evaluator::run(std::optional<int64_t> without) {
  eval::ScoreFile known = scores_so_far(without);
  const auto model = setup_.load(limits_, without);
  const std::string which = without ? str("without layer ", *without, ": ") : "";
  auto scored = eval::evaluate_tasks(
      model->model, tasks_, options_.scoring, workers_, known,
      [&](const eval::AskedTask& task, int64_t done) { progress_.show(which + task.name, done, task.num_items()); });
  finished_.push_back(std::move(known));
  return scored;
}

void Evaluator::end(const nlohmann::json& results) {
  log::end_progress();
  if (!workers_.is_first() || options_.output.empty()) return;
  io::write_json(options_.output, results);
  for (eval::ScoreFile& file : finished_) file.remove();
}

eval::ScoreFile Evaluator::scores_so_far(std::optional<int64_t> without) const {
  if (options_.output.empty()) return {};
  nlohmann::json evaluation = describe(options_, setup_);
  if (without) evaluation["without_layer"] = *without;
  const std::string name = without ? str(".without_", *without) : "";
  eval::ScoreFile file(options_.output + name + ".partial", evaluation.dump(), workers_);
  if (file.num_found() > 0 && workers_.is_first()) {
    log::say(str("  ", with_commas(file.num_found()), " items were scored before"));
  }
  return file;
}

}  // namespace

std::optional<TaskScores> evaluate_on_tasks(const JudgedModel& model, TasksOptions options) {
  const EvalSetup setup(model);
  if (!std::filesystem::is_directory(options.folder)) {
    throw UsageError(str("--data: ", options.folder, ": no such folder; scripts/fetch_data.sh eval fetches the tasks"));
  }
  options.scoring.max_length = setup.max_length(options.scoring.max_length);
  const std::vector<int64_t> dropped = layers_to_drop(options.drop_layers, setup.folder().spec.dims.layers);
  const auto tasks = eval::ask(eval::load_tasks(options.tasks, options.folder), setup.tokenizer(), options.requests);
  const json evaluation = describe(options, setup);
  json results = open_results(options.output, evaluation);
  Workers workers = setup.join({{"questions", hex(eval::fingerprint_of(tasks))}});
  if (workers.communicator->is_first()) {
    log::say(str("strata ", version(), " · eval · ", setup.text(), "\n  ", tasks.size(),
                 tasks.size() == 1 ? " task, " : " tasks, ", with_commas(eval::num_items(tasks)), " items, ",
                 options.requests.shots, " shots, up to ", with_commas(options.scoring.max_length), " tokens"));
  }
  workers.watch_each_other();
  const log::LastWords stopped(options.output.empty()
                                   ? "nothing is kept; --output FILE would keep the items that are scored"
                                   : str("the items that are scored are kept in ", options.output,
                                         ".partial; the same command goes on from them"));
  Evaluator evaluator(options, setup, tasks, *workers.communicator, 1 + std::ssize(dropped));
  TaskScores scores{.whole = evaluator.run(), .dropped = {}};
  add_results(results, scores.whole);
  results["evaluation"] = evaluation;
  for (const int64_t layer : dropped) {
    scores.dropped.push_back({.layer = layer, .tasks = evaluator.run(layer)});
    add_results(results["without_layer"][std::to_string(layer)], scores.dropped.back().tasks);
  }
  evaluator.end(results);
  workers.leave();
  return workers.communicator->is_first() ? std::optional(std::move(scores)) : std::nullopt;
}

}  // namespace strata::run
