#include "strata/study/index.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/config/load.h"
#include "strata/config/print.h"
#include "strata/io/json.h"

namespace strata::study {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

fs::path file_in(const fs::path& folder) { return folder / "study.json"; }

std::vector<RunGroup> groups_of(const Study& study, const std::vector<Run>& runs) {
  std::vector<RunGroup> groups;
  for (const Run& run : runs) {
    const std::string& name = study.arms()[run.arm].name;
    auto group = std::ranges::find_if(
        groups, [&](const RunGroup& other) { return other.name == name && other.tuned == run.tuned; });
    if (group == groups.end()) group = groups.insert(groups.end(), {.name = name, .tuned = run.tuned});
    group->folders.emplace(run.seed, run.folder());
  }
  return groups;
}

json to_json(const std::vector<RunGroup>& groups, const fs::path& folder) {
  json list = json::array();
  for (const RunGroup& group : groups) {
    json runs = json::object();
    for (const auto& [seed, path] : group.folders) {
      runs[std::to_string(seed)] = fs::absolute(path).lexically_normal().lexically_relative(folder).string();
    }
    list.push_back({{"name", group.name}, {"tuned", group.tuned}, {"runs", runs}});
  }
  return list;
}

std::vector<RunGroup> groups_in(const json& list, const fs::path& folder) {
  std::vector<RunGroup> groups;
  for (const json& entry : list) {
    RunGroup group{.name = entry.at("name"), .tuned = entry.at("tuned")};
    for (const auto& [seed, path] : entry.at("runs").items()) {
      group.folders.emplace(std::stoll(seed), folder / path.get<std::string>());
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

using Keys = std::map<std::string, std::string>;

// By the keys whose values are not the same in all; where these are many, by the folder of its first run.
std::vector<std::string> names_of(const std::vector<Keys>& arms, const std::vector<RunGroup>& groups) {
  constexpr size_t kMostKeys = 2, kLongest = 40;
  std::set<std::string> differing;
  for (const Keys& arm : arms) {
    for (const auto& [key, value] : arm) {
      if (value != arms.front().at(key)) differing.insert(key);
    }
  }
  std::vector<std::string> names;
  for (const Keys& arm : arms) {
    std::vector<std::string> parts;
    for (const std::string& key : differing)
      parts.push_back(key == "norm.scheme" ? arm.at(key) : key + "=" + arm.at(key));
    const std::string name = parts.empty() ? arm.at("norm.scheme") : join(parts, " ");
    const std::string folder =
        (groups[names.size()].folders.begin()->second / "").lexically_normal().parent_path().filename().string();
    names.push_back(parts.size() <= kMostKeys && name.size() <= kLongest ? name : folder);
  }
  return names;
}

constexpr const char* kStepsToBaseline = "steps_to_baseline";

// Whether runs were evaluated on their way too.
bool has_curves(const std::vector<ArmRuns>& arms) {
  return std::ranges::any_of(arms, [](const ArmRuns& arm) {
    return std::ranges::any_of(arm.runs, [](const auto& run) { return run.second.evaluations.step.size() > 1; });
  });
}

}  // namespace

Keys deciding_keys(const config::RunConfig& config) {
  Keys keys;
  for (const auto& [key, value] : config::flatten(config)) {
    if (key == "run.seed" || key == "data.seed") continue;
    const config::Affects affects = config::affects_of(key);
    if (affects != config::Affects::kExecution && affects != config::Affects::kHost) keys[key] = value;
  }
  return keys;
}

StudyIndex index_of(const Study& study, const std::vector<Run>& tuning, const std::vector<Run>& judged) {
  const SweepConfig& sweep = study.sweep();
  return {.baseline = study.baseline(),
          .outcomes = sweep.outcome,
          .target = sweep.target != 0.0 ? std::optional(sweep.target) : std::nullopt,
          .arms = groups_of(study, judged),
          .tuning = groups_of(study, tuning)};
}

void write_index(const fs::path& folder, const StudyIndex& index) {
  const fs::path place = fs::absolute(folder).lexically_normal();
  io::write_json(file_in(place), {{"baseline", index.baseline},
                                  {"outcomes", index.outcomes},
                                  {"target", index.target ? json(*index.target) : json(nullptr)},
                                  {"arms", to_json(index.arms, place)},
                                  {"tuning", to_json(index.tuning, place)}});
}

std::optional<StudyIndex> read_index(const fs::path& folder) {
  const fs::path file = file_in(folder);
  if (!fs::is_regular_file(file)) return std::nullopt;
  const json value = io::read_json(file);
  try {
    StudyIndex index{.baseline = value.at("baseline"), .outcomes = value.at("outcomes")};
    if (!value.at("target").is_null()) index.target = value.at("target").get<double>();
    index.arms = groups_in(value.at("arms"), folder);
    index.tuning = groups_in(value.at("tuning"), folder);
    if (index.baseline < index.arms.size() && !index.outcomes.empty()) return index;
  } catch (const std::exception& failure) {
    throw Error(str(file.string(), ": ", io::reason_of(failure)));
  }
  throw Error(file.string() + ": names no baseline or no outcome");
}

StudyIndex index_of_folders(const std::vector<fs::path>& runs) {
  StudyIndex index{.outcomes = {"validation_loss"}};
  std::vector<Keys> arms;
  for (const fs::path& folder : runs) {
    const config::RunConfig config = config::load(folder / "config.yaml").config;
    const Keys keys = deciding_keys(config);
    const auto place = static_cast<size_t>(std::ranges::find(arms, keys) - arms.begin());
    if (place == arms.size()) {
      arms.push_back(keys);
      index.arms.emplace_back();
    }
    const bool by_data = config.data.seed != config::DataConfig::kRunSeed;
    const int64_t seed = config.run.seed + (by_data ? config.data.seed : 0);
    const auto [entry, is_new] = index.arms[place].folders.emplace(seed, folder);
    if (!is_new) throw UsageError(str(folder.string(), " is the same run as ", entry->second.string()));
  }
  const std::vector<std::string> names = names_of(arms, index.arms);
  for (size_t i = 0; i < names.size(); ++i) index.arms[i].name = names[i];
  return index;
}

ArmRuns read_group(const RunGroup& group) {
  ArmRuns arm{.name = group.name, .tuned = group.tuned, .asked = std::ssize(group.folders)};
  for (const auto& [seed, folder] : group.folders) {
    std::error_code ignored;
    const bool has_config = fs::is_regular_file(folder / "config.yaml", ignored);
    if (has_config || fs::exists(failure_file(folder), ignored)) arm.runs.emplace(seed, read_run(folder));
  }
  return arm;
}

std::vector<ArmRuns> read_groups(const std::vector<RunGroup>& groups) {
  std::vector<ArmRuns> arms;
  for (const RunGroup& group : groups) arms.push_back(read_group(group));
  return arms;
}

std::vector<Results> results_of(const StudyIndex& index, const std::vector<ArmRuns>& arms) {
  std::vector<std::string> names = index.outcomes;
  const bool is_of_loss = names.front() == "validation_loss" && std::ranges::count(names, kStepsToBaseline) == 0;
  if (is_of_loss && arms.size() > 1 && has_curves(arms)) names.emplace_back(kStepsToBaseline);
  std::vector<Results> results;
  for (const std::string& name : names) {
    const auto target = results.empty() ? index.target : std::nullopt;
    results.push_back(results_of(arms, index.baseline, outcome_of(name), target));
  }
  return results;
}

}  // namespace strata::study
