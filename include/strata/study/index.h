#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "strata/study/results.h"
#include "strata/study/runs.h"

/// What a sweep's folder says of its runs: study.json, which a report is made from where neither the data nor the
/// sweep's file are at hand.
namespace strata::study {

/// Runs that differ in their seed alone.
struct RunGroup {
  std::string name;                                       // of the arm
  std::vector<std::string> tuned = {};                    // values that were chosen for it, or tried
  std::map<int64_t, std::filesystem::path> folders = {};  // by seed
};

struct StudyIndex {
  size_t baseline = 0;
  std::vector<std::string> outcomes = {};
  std::optional<double> target = {};
  std::vector<RunGroup> arms = {};
  std::vector<RunGroup> tuning = {};  // every arm with every combination of what was tuned
};

/// Keys that make another arm, with their values as text: not those of how a run is computed and watched, nor seeds.
std::map<std::string, std::string> deciding_keys(const config::RunConfig& config);

StudyIndex index_of(const Study& study, const std::vector<Run>& tuning, const std::vector<Run>& judged);

/// Paths in the file are relative to the folder.
void write_index(const std::filesystem::path& folder, const StudyIndex& index);
/// Nothing for a folder that is no sweep's. Throws Error, naming the file, for one that cannot be read.
std::optional<StudyIndex> read_index(const std::filesystem::path& folder);

/// The index of any runs: arms are those whose configs differ in seeds and in how they run at most, called by what
/// sets them apart. Throws UsageError for two runs of one arm and seed.
StudyIndex index_of_folders(const std::vector<std::filesystem::path>& runs);

/// What the folders hold by now. Runs that are not there are missing.
ArmRuns read_group(const RunGroup& group);
std::vector<ArmRuns> read_groups(const std::vector<RunGroup>& groups);

/// Of each outcome, and of steps_to_baseline where the loss is judged and runs were evaluated on their way. arms: those
/// of the index.
std::vector<Results> results_of(const StudyIndex& index, const std::vector<ArmRuns>& arms);

}  // namespace strata::study
