#pragma once

#include <string>
#include <utility>
#include <vector>

#include "strata/config/affects.h"
#include "strata/config/run_config.h"

namespace strata::config {

/// Every key with its value: load() of this gives the same config, and the same bytes again.
std::string to_yaml(const RunConfig& config);

/// The same for some sections ("model", "norm"), in the order of RunConfig.
std::string to_yaml(const RunConfig& config, const std::vector<std::string>& sections);

/// Every key with its value on one line, in the order of RunConfig: {"train.micro_batch", "32"}.
std::vector<std::pair<std::string, std::string>> flatten(const RunConfig& config);

/// A key whose value is another one in two configs, both as flatten() gives them.
struct Difference {
  std::string key, before, now;
};
std::vector<Difference> differences(const RunConfig& before, const RunConfig& now);

/// "train.steps", a key as flatten() gives it.
Affects affects_of(const std::string& key);

/// A table of every key: default, what it affects, meaning, type or choices.
std::string help();

/// The same as a Markdown document, docs/configuration.md.
std::string reference();

}  // namespace strata::config
