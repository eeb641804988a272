#include "strata/eval/harness.h"

#include <algorithm>
#include <cmath>

#include "strata/base/check.h"
#include "strata/base/seed.h"

namespace strata::eval {
namespace {

int64_t likeliest(const LogLikelihoods& values) { return std::ranges::max_element(values) - values.begin(); }

ScoredItem judged(const AskedItem& asked, const LogLikelihoods& log_likelihoods) {
  LogLikelihoods by_character = log_likelihoods;
  for (size_t choice = 0; choice < by_character.size(); ++choice) {
    by_character[choice] /= static_cast<double>(asked.choice_characters[choice]);
  }
  return {.log_likelihoods = log_likelihoods,
          .prediction = likeliest(log_likelihoods),
          .prediction_norm = likeliest(by_character),
          .gold = asked.gold};
}

// The mean, and the sample's standard deviation over the root of n.
Accuracy accuracy_of(const std::vector<ScoredItem>& items, int64_t ScoredItem::*prediction) {
  const auto n = static_cast<double>(items.size());
  const auto right = static_cast<double>(
      std::ranges::count_if(items, [&](const ScoredItem& item) { return item.*prediction == item.gold; }));
  Accuracy accuracy{.value = right / n, .standard_error = {}};
  if (n > 1.0) accuracy.standard_error = std::sqrt(accuracy.value * (1.0 - accuracy.value) / (n - 1.0));
  return accuracy;
}

// Over the items of all sets. Of several sets the variance is pooled as in upstream's pooled_sample_stderr.
Accuracy pooled(const std::vector<ScoredSet>& sets, Accuracy ScoredSet::*which) {
  if (sets.size() == 1) return sets.front().*which;
  double items = 0.0, right = 0.0, squares = 0.0;
  bool is_known = true;
  for (const ScoredSet& set : sets) {
    const auto n = static_cast<double>(set.items.size());
    const Accuracy& accuracy = set.*which;
    items += n;
    right += n * accuracy.value;
    is_known = is_known && accuracy.standard_error;
    if (is_known) squares += (n - 1.0) * n * *accuracy.standard_error * *accuracy.standard_error;
  }
  Accuracy all{.value = right / items, .standard_error = {}};
  if (is_known) all.standard_error = std::sqrt(squares / (items - static_cast<double>(sets.size())) / items);
  return all;
}

// One task while it is being scored.
class TaskRun {
 public:
  TaskRun(const AskedTask& task, ScoreFile& known, const WhenSome& when_some)
      : task_(task), known_(known), when_some_(when_some), found_(task.sets.size()) {
    for (size_t set = 0; set < task.sets.size(); ++set) {
      found_[set].resize(task.sets[set].items.size());
      for (size_t doc = 0; doc < found_[set].size(); ++doc) look_up(set, doc);
    }
  }

  std::span<const AskedItem* const> open() const { return open_; }

  void put(size_t item, const LogLikelihoods& log_likelihoods) {
    const auto [set, doc] = places_[item];
    for (const double value : log_likelihoods) {
      STRATA_CHECK(std::isfinite(value), task_.sets[set].name, ": item ", doc, ": a log-likelihood is ", value,
                   ": the model does not compute with finite numbers");
    }
    known_.add(task_.sets[set].name, static_cast<int64_t>(doc), *open_[item], log_likelihoods);
    found_[set][doc] = log_likelihoods;
    ++scored_;
    if (when_some_) when_some_(task_, scored_);
  }

  ScoredTask result() const {
    ScoredTask scored{.name = task_.name, .has_acc_norm = task_.has_acc_norm, .sets = {}, .acc = {}, .acc_norm = {}};
    for (size_t set = 0; set < task_.sets.size(); ++set) scored.sets.push_back(result_of(set));
    scored.acc = pooled(scored.sets, &ScoredSet::acc);
    scored.acc_norm = pooled(scored.sets, &ScoredSet::acc_norm);
    return scored;
  }

 private:
  void look_up(size_t set, size_t doc) {
    const AskedItem& item = task_.sets[set].items[doc];
    if (const LogLikelihoods* known = known_.find(task_.sets[set].name, static_cast<int64_t>(doc), item)) {
      found_[set][doc] = *known;
      ++scored_;
    } else {
      open_.push_back(&item);
      places_.emplace_back(set, doc);
    }
  }

  ScoredSet result_of(size_t set) const {
    ScoredSet scored{.name = task_.sets[set].name, .items = {}, .acc = {}, .acc_norm = {}};
    for (size_t doc = 0; doc < found_[set].size(); ++doc) {
      scored.items.push_back(judged(task_.sets[set].items[doc], found_[set][doc]));
    }
    scored.acc = accuracy_of(scored.items, &ScoredItem::prediction);
    scored.acc_norm = accuracy_of(scored.items, &ScoredItem::prediction_norm);
    return scored;
  }

  const AskedTask& task_;
  ScoreFile& known_;
  const WhenSome& when_some_;
  std::vector<std::vector<LogLikelihoods>> found_;  // by set and document
  std::vector<const AskedItem*> open_;
  std::vector<std::pair<size_t, size_t>> places_;  // of open_: set and document
  int64_t scored_ = 0;
};

}  // namespace

int64_t AskedTask::num_items() const {
  int64_t items = 0;
  for (const AskedSet& set : sets) items += std::ssize(set.items);
  return items;
}

std::vector<AskedTask> ask(const std::vector<LoadedTask>& tasks, const data::Tokenizer& tokenizer,
                           const RequestOptions& options) {
  std::vector<AskedTask> asked;
  for (const LoadedTask& task : tasks) {
    asked.push_back({.name = task.name, .has_acc_norm = task.has_acc_norm, .sets = {}});
    for (const ItemSet& set : task.sets) {
      asked.back().sets.push_back({.name = set.name, .items = make_requests(set, tokenizer, options)});
    }
  }
  return asked;
}

int64_t num_items(const std::vector<AskedTask>& tasks) {
  int64_t items = 0;
  for (const AskedTask& task : tasks) items += task.num_items();
  return items;
}

uint64_t fingerprint_of(const std::vector<AskedTask>& tasks) {
  uint64_t all = 0;
  for (const AskedTask& task : tasks) {
    for (const AskedSet& set : task.sets) {
      for (const AskedItem& item : set.items) all = mix_bits(all ^ fingerprint_of(item));
    }
  }
  return all;
}

ItemSize size_of(const std::vector<AskedTask>& tasks, int64_t max_length, bool trees) {
  ItemSize largest;
  for (const AskedTask& task : tasks) {
    for (const AskedSet& set : task.sets) {
      for (size_t doc = 0; doc < set.items.size(); ++doc) {
        const ItemSize size = [&] {
          try {
            return size_of(set.items[doc], max_length, trees);
          } catch (const Error& error) {
            throw Error(str(set.name, ": item ", doc, ": ", error.what()));
          }
        }();
        largest.tokens = std::max(largest.tokens, size.tokens);
        largest.targets = std::max(largest.targets, size.targets);
        largest.longest = std::max(largest.longest, size.longest);
      }
    }
  }
  return largest;
}

std::vector<ScoredTask> evaluate_tasks(nn::Model& model, const std::vector<AskedTask>& tasks,
                                       const ScoringOptions& options, workers::Communicator& workers, ScoreFile& known,
                                       const WhenSome& when_some) {
  std::vector<ScoredTask> scored;
  for (const AskedTask& task : tasks) {
    TaskRun run(task, known, when_some);
    score(model, run.open(), options, workers,
          [&](size_t item, const LogLikelihoods& log_likelihoods) { run.put(item, log_likelihoods); });
    scored.push_back(run.result());
  }
  return scored;
}

double average_acc(const std::vector<ScoredTask>& tasks) {
  double sum = 0.0;
  for (const ScoredTask& task : tasks) sum += task.acc.value;
  return sum / static_cast<double>(tasks.size());
}

}  // namespace strata::eval
