#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/program.h"
#include "support/temp_folder.h"

namespace strata::test {

/// A folder with a config and what it needs. The run folders of tests lie in it by name.
class Runs {
 public:
  std::filesystem::path operator/(std::string_view name) const { return folder_ / name; }
  const std::string& config() const { return config_; }

  /// The command of this fixture with the run folder `run` and overrides, for strata_command.
  std::vector<std::string> arguments(const std::string& run, const std::vector<std::string>& overrides = {}) const;
  std::vector<std::string> command(const std::string& run, const std::vector<std::string>& overrides = {}) const;

  std::filesystem::path checkpoint(const std::string& run, int64_t step) const;
  /// model.safetensors of the checkpoint at `step`; empty: there is none.
  std::string weights(const std::string& run, int64_t step) const;
  /// The steps of the checkpoints of a run, rising.
  std::vector<int64_t> steps(const std::string& run) const;

  /// Every value of a file of JSON lines but the times.
  std::vector<nlohmann::json> lines(const std::string& run, const std::string& file) const;

 protected:
  /// `subcommand`: of strata. `config` lies in the folder.
  Runs(std::string subcommand, std::string_view config)
      : config_(folder_ / config), subcommand_(std::move(subcommand)) {}
  ~Runs() = default;

  TempFolder folder_;
  std::string config_;

 private:
  std::string subcommand_;
};

}  // namespace strata::test
