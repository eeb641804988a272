#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "strata/base/registry.h"

namespace strata::eval {

/// A document of a task in words. Asked and answered it reads contexts[i] + " " + choices[i].
struct Item {
  std::vector<std::string> contexts;  // one for all choices, or (WinoGrande) one for each
  std::vector<std::string> choices;   // without the space that stands before them
  int64_t gold = 0;                   // index of the right choice

  const std::string& context(size_t choice) const { return contexts.size() == 1 ? contexts[0] : contexts[choice]; }
  bool operator==(const Item&) const = default;
};

/// Which few-shot examples an item gets.
enum class Examples {
  kFirst,          // the first of the pool
  kFirstOthers,    // the first of the items themselves, without the one that is asked
  kSampled,        // drawn from the pool for every item anew
  kSampledOthers,  // the same with one more in reserve, for the pool may have the item itself, which is left out
};

/// Items that are scored together under one name: a task, or one subject of MMLU.
struct ItemSet {
  std::string name;         // "boolq", "mmlu_astronomy"
  std::string description;  // stands before all else
  std::vector<Item> items;
  std::vector<Item> pool;  // where few-shot examples come from; empty for kFirstOthers
  Examples examples = Examples::kFirstOthers;
};

/// A multiple-choice task of lm-evaluation-harness (0.4.13), worded as there.
class Task {
 public:
  virtual ~Task() = default;

  /// Its items, from the folder that holds the files of all tasks. There is at least one set, and an item in each.
  /// Throws Error, one line that begins with the path (and `:line:`), for a file that is missing or cannot be read,
  /// a record with a field missing or of the wrong type, an empty choice, a gold choice that is none.
  virtual std::vector<ItemSet> load(const std::filesystem::path& folder) const = 0;

  /// Whether upstream reports acc_norm beside acc.
  virtual bool has_acc_norm() const = 0;

  /// Whether its sets have names of their own, TASK_PART, which may be asked for alone.
  virtual bool has_parts() const { return false; }
};

using TaskFactory = std::unique_ptr<Task> (*)();
using TaskRegistry = Registry<TaskFactory>;

/// All tasks. One of the four global things in Strata: task files add themselves before main().
TaskRegistry& task_registry();

/// nullptr for an unknown name.
std::unique_ptr<Task> make_task(const std::string& name);

/// What a user asked for by one name.
struct LoadedTask {
  std::string name;
  bool has_acc_norm = false;
  std::vector<ItemSet> sets;  // one, or (MMLU) one for each subject: its accuracy is that of all their items together
};

/// The tasks with these names, each once, in the order of their first mention. A name is a registered task, a part of
/// one (`mmlu_astronomy`), or `paper7`, the seven that the GPAS paper averages.
/// Throws UsageError for other names, before anything is read where that can be known; Error as Task::load.
std::vector<LoadedTask> load_tasks(const std::vector<std::string>& names, const std::filesystem::path& folder);

template <class T>
std::unique_ptr<Task> make_registered() {
  return std::make_unique<T>();
}

}  // namespace strata::eval

/// At the end of a task's file, in namespace strata::eval.
#define STRATA_REGISTER_TASK(name, Class)                 \
  [[maybe_unused]] static const bool Class##_registered = \
      ::strata::eval::task_registry().add(name, &::strata::eval::make_registered<Class>);
