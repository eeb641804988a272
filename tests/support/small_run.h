#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/program.h"
#include "support/temp_folder.h"

namespace strata::test {

/// A folder with made-up text and the config of a run of nine steps over it, which cross the end of an epoch.
/// Run folders of tests lie in it by name.
class SmallRun {
 public:
  SmallRun();

  std::filesystem::path operator/(std::string_view name) const { return folder_ / name; }
  const std::string& config() const { return config_; }

  /// `strata pretrain` with the run folder `run` and overrides.
  Finished pretrain(const std::string& run, const std::vector<std::string>& overrides = {}) const;
  std::vector<std::string> command(const std::string& run, const std::vector<std::string>& overrides = {}) const;

  std::filesystem::path checkpoint(const std::string& run, int64_t step) const;
  /// model.safetensors of the checkpoint at `step`; empty: there is none.
  std::string weights(const std::string& run, int64_t step) const;
  /// The steps of the checkpoints of a run, rising.
  std::vector<int64_t> steps(const std::string& run) const;

  /// Every value of a file of JSON lines but the times.
  std::vector<nlohmann::json> lines(const std::string& run, const std::string& file) const;

 private:
  TempFolder folder_;
  std::string config_;
};

}  // namespace strata::test
