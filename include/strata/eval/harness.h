#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "strata/eval/score_file.h"
#include "strata/eval/scorer.h"

namespace strata::eval {

/// A set's items in tokens.
struct AskedSet {
  std::string name;
  std::vector<AskedItem> items;
};

/// A task's items in tokens: made once, scored as often as there are models.
struct AskedTask {
  std::string name;
  bool has_acc_norm = false;
  std::vector<AskedSet> sets;

  int64_t num_items() const;
};

/// What load_tasks gave, with `options.limit` for each set. Throws as make_requests.
std::vector<AskedTask> ask(const std::vector<LoadedTask>& tasks, const data::Tokenizer& tokenizer,
                           const RequestOptions& options);

int64_t num_items(const std::vector<AskedTask>& tasks);

/// Tells other questions apart: of all requests' ids, in order.
uint64_t fingerprint_of(const std::vector<AskedTask>& tasks);

/// What a model has to hold for all of the tasks: the largest of each number.
ItemSize size_of(const std::vector<AskedTask>& tasks, int64_t max_length, bool trees);

/// A mean over items, of 1 where the model was right.
struct Accuracy {
  double value = 0.0;
  std::optional<double> standard_error;  // none for a single item

  bool operator==(const Accuracy&) const = default;
};

struct ScoredItem {
  LogLikelihoods log_likelihoods;  // of the choices, in order
  int64_t prediction = 0;          // the likeliest choice; the first of equals
  int64_t prediction_norm = 0;     // the likeliest a character
  int64_t gold = 0;
};

struct ScoredSet {
  std::string name;
  std::vector<ScoredItem> items;
  Accuracy acc, acc_norm;
};

/// acc and acc_norm are over the items of all sets, with the standard error that upstream pools from the sets'.
struct ScoredTask {
  std::string name;
  bool has_acc_norm = false;
  std::vector<ScoredSet> sets;
  Accuracy acc, acc_norm;
};

/// How far a task is: so many of its items are scored.
using WhenSome = std::function<void(const AskedTask& task, int64_t scored)>;

/// Scores all items that `known` does not hold yet, and puts them there, task after task. A collective, with the same
/// results on every worker; see score.
std::vector<ScoredTask> evaluate_tasks(nn::Model& model, const std::vector<AskedTask>& tasks,
                                       const ScoringOptions& options, workers::Communicator& workers, ScoreFile& known,
                                       const WhenSome& when_some = {});

/// The mean of the tasks' acc.
double average_acc(const std::vector<ScoredTask>& tasks);

}  // namespace strata::eval
