#include "strata/eval/task.h"

#include <algorithm>
#include <iterator>

#include "strata/base/check.h"
#include "strata/base/text.h"

namespace strata::eval {
namespace {

using Names = std::vector<std::string>;

constexpr const char* kPaper7 = "paper7";
const Names& paper7() {
  static const Names names{"mmlu", "boolq", "arc_easy", "piqa", "hellaswag", "openbookqa", "winogrande"};
  return names;
}

Names without_lists(const Names& names) {
  Names all;
  for (const std::string& name : names) {
    for (const std::string& one : name == kPaper7 ? paper7() : Names{name}) {
      if (std::ranges::find(all, one) == all.end()) all.push_back(one);
    }
  }
  return all;
}

// The task that the name begins with, if its parts have names; empty: none.
std::string whole_of(const std::string& name) {
  for (const std::string& whole : task_registry().names()) {
    if (name.starts_with(whole + "_") && make_task(whole)->has_parts()) return whole;
  }
  return "";
}

[[noreturn]] void refuse(const std::string& name) {
  Names known = task_registry().names();
  known.push_back(kPaper7);
  std::string parts;
  for (const std::string& task : task_registry().names()) {
    if (make_task(task)->has_parts()) parts += str(", ", task, "_PART for a part of ", task);
  }
  throw UsageError(
      str("unknown task \"", name, "\"", did_you_mean(name, known), " (known: ", join(known, " "), parts, ")"));
}

// Of sets that were loaded, the one with this name.
std::vector<ItemSet> only(std::vector<ItemSet> sets, const std::string& name) {
  Names names;
  for (const ItemSet& set : sets) names.push_back(set.name);
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) {
    throw UsageError(str("unknown task \"", name, "\"", did_you_mean(name, names), " (known: ", join(names, " "), ")"));
  }
  std::vector<ItemSet> one;
  one.push_back(std::move(sets[static_cast<size_t>(found - names.begin())]));
  return one;
}

}  // namespace

TaskRegistry& task_registry() {
  static TaskRegistry registry("task");
  return registry;
}

std::unique_ptr<Task> make_task(const std::string& name) {
  const TaskFactory factory = task_registry().find(name);
  return factory == nullptr ? nullptr : factory();
}

std::vector<LoadedTask> load_tasks(const std::vector<std::string>& names, const std::filesystem::path& folder) {
  const Names all = without_lists(names);
  for (const std::string& name : all) {
    if (!make_task(name) && whole_of(name).empty()) refuse(name);
  }
  std::vector<LoadedTask> tasks;
  for (const std::string& name : all) {
    const std::unique_ptr<Task> itself = make_task(name);
    const std::unique_ptr<Task> task = make_task(itself ? name : whole_of(name));
    std::vector<ItemSet> sets = task->load(folder);
    if (!itself) sets = only(std::move(sets), name);
    tasks.push_back({.name = name, .has_acc_norm = task->has_acc_norm(), .sets = std::move(sets)});
  }
  return tasks;
}

}  // namespace strata::eval
