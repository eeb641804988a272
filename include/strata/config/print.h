#pragma once

#include <string>
#include <utility>
#include <vector>

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

/// A table of every key: default, meaning, type or choices.
std::string help();

}  // namespace strata::config
