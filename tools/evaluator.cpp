#include "evaluator.h"

#include <algorithm>
#include <iostream>

#include "strata/base/text.h"
#include "strata/io/json.h"

namespace strata::tools {
Evaluator::Evaluator(const EvalTasksArguments& arguments, const EvalSetup& setup,
                     const std::vector<eval::AskedTask>& tasks, workers::Communicator& workers, int64_t models)
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

nlohmann::json Evaluator::description() const {
  return {{"model", setup_.description()},
          {"shots", arguments_.requests.shots},
          {"append_eos", arguments_.requests.append_eos},
          {"max_length", arguments_.scoring.max_length}};
}

std::vector<eval::ScoredTask> Evaluator::run(std::optional<int64_t> without) {
  eval::ScoreFile known = scores_so_far(without);
  const auto model = setup_.load(limits_, without);
  const std::string which = without ? str("without layer ", *without, ": ") : "";
  auto scored = eval::evaluate_tasks(
      model->model, tasks_, arguments_.scoring, workers_, known,
      [&](const eval::AskedTask& task, int64_t done) { progress_.show(which + task.name, done, task.num_items()); });
  finished_.push_back(std::move(known));
  return scored;
}

void Evaluator::end(const nlohmann::json& results) {
  progress_.end();
  if (!workers_.is_first() || arguments_.output.empty()) return;
  io::write_json(arguments_.output, results);
  for (eval::ScoreFile& file : finished_) file.remove();
}

eval::ScoreFile Evaluator::scores_so_far(std::optional<int64_t> without) const {
  if (arguments_.output.empty()) return {};
  nlohmann::json evaluation = description();
  if (without) evaluation["without_layer"] = *without;
  const std::string name = without ? str(".without_", *without) : "";
  eval::ScoreFile file(arguments_.output + name + ".partial", evaluation.dump(), workers_);
  if (file.num_found() > 0 && workers_.is_first()) {
    std::cout << "  " << with_commas(file.num_found()) << " items were scored before\n" << std::flush;
  }
  return file;
}

}  // namespace strata::tools
