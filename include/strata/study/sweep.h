#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "strata/config/affects.h"
#include "strata/config/checks.h"

/// What is compared: runs of one config that differ in a few keys, each with several seeds.
namespace strata::study {

/// Values for each of some keys, in the order in which they are written: {"optimizer.lr", {"1e-3", "2e-3"}}.
using KeyValues = std::vector<std::pair<std::string, std::vector<std::string>>>;

/// Numbers of run.seed; in YAML a list of them, or how many, counted from 1.
struct Seeds {
  std::vector<int64_t> numbers;
  bool operator==(const Seeds&) const = default;
};

enum class Budget { kTokens, kFlops };
constexpr std::array<std::string_view, 2> enum_names(Budget) { return {"tokens", "flops"}; }

enum class SeedOf { kBoth, kData, kInit };
constexpr std::array<std::string_view, 3> enum_names(SeedOf) { return {"both", "data", "init"}; }

/// A sweep as its file has it.
struct SweepConfig {
  std::string base = {};
  std::vector<std::string> set = {};
  KeyValues vary = {}, zip = {};
  std::vector<std::string> names = {};
  std::string baseline = {};
  Seeds seeds{.numbers = {1, 2, 3, 4, 5}};
  SeedOf seed_of = SeedOf::kBoth;
  KeyValues tune = {};
  Seeds tune_seeds{.numbers = {1001}};
  int64_t tune_beyond = 3;
  std::vector<std::string> outcome{"validation_loss"};
  Budget budget = Budget::kTokens;
  double target = 0.0;
  std::string output = {};

  void fields(auto& field) {
    using enum config::Affects;
    field("base", base, kContents, "config of every run, relative to this file");
    field("set", set, kNumbers, "key.path=value over it, for all runs");
    field("vary", vary, kNumbers, "key: [values]; several keys are crossed, and each combination is an arm");
    field("zip", zip, kNumbers, "key: [values]; several keys move together: the first values are one arm, and so on");
    field("names", names, kExecution, "of the arms in their order; without them they are called by their values");
    field("baseline", baseline, kExecution, "arm that the others are compared with; without it the first");
    field("seeds", seeds, kNumbers, "of each arm: a list, or how many, from 1");
    field("seed_of", seed_of, kNumbers, "what a seed decides: both; the order of the data alone; start values alone");
    field("tune", tune, kNumbers, "key: [values]; every arm runs with the best of them, found with tune_seeds");
    field("tune_seeds", tune_seeds, kNumbers, "other ones than seeds: a list, or how many, from 1001");
    field("tune_beyond", tune_beyond, kNumbers,
          "where an arm's best value is the first or last of three or more: how many beyond it are tried, in the ratio "
          "of their neighbours",
          config::at_least(0));
    field("outcome", outcome, kExecution,
          "validation_loss; steps_to_baseline, tokens_to_baseline, seconds_to_baseline; a task; the first is judged");
    field("budget", budget, kNumbers,
          "what arms have in common: tokens, or FLOPs (steps as the baseline's FLOPs allow)");
    field("target", target, kExecution, "the outcome is tested to be better than this too; 0: it is not");
    field("output", output, kExecution, "folder of runs and results; without it sweeps/<name of this file>");
  }

  bool operator==(const SweepConfig&) const = default;
};

/// Reads a sweep's file. Throws UsageError that begins with file and line, as config::load does.
SweepConfig read_sweep(const std::filesystem::path& file);

/// The same as YAML, without what says nothing.
std::string to_yaml(const SweepConfig& sweep);

/// A way to train that is compared with others.
struct Arm {
  std::string name;  // fit for a file's name
  std::vector<std::string> overrides;
};

/// What a path may hold without quotes in a shell: other letters become _.
std::string file_name_of(const std::string& text);

/// The arms, zip outside and vary inside. Throws UsageError for lists of different lengths under zip, names that do not
/// fit, and arms of one name.
std::vector<Arm> arms_of(const SweepConfig& sweep);

/// Every combination of one value for each key, the last key fastest, as overrides. One, empty, of no keys.
std::vector<std::vector<std::string>> combinations(const KeyValues& keys);

/// Number of the arm that the others are compared with. Throws UsageError for a name that no arm has.
size_t baseline_of(const SweepConfig& sweep, const std::vector<Arm>& arms);

}  // namespace strata::study
