#include "strata/train/run_folder.h"

#include <algorithm>
#include <map>
#include <set>

#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/config/load.h"
#include "strata/config/print.h"
#include "strata/io/file.h"

namespace strata::train {
namespace {

namespace fs = std::filesystem;

bool changes_mathematics(const std::string& key) {
  static const std::set<std::string> kFree{"train.stop_after", "train.resume",        "train.recompute",
                                           "data.cache",       "data.disk_budget_gb", "data.prefetch",
                                           "run.dir",          "run.threads",         "run.gemm"};
  static const std::set<std::string> kFreeSections{"checkpoint", "telemetry", "evaluate"};
  return !kFree.contains(key) && !kFreeSections.contains(key.substr(0, key.find('.')));
}

void require_same_run(const config::RunConfig& before, const config::RunConfig& now, const fs::path& file) {
  std::vector<std::string> differences;
  const auto old_values = config::flatten(before);
  const auto new_values = config::flatten(now);
  for (size_t i = 0; i < new_values.size(); ++i) {
    const auto& [key, value] = new_values[i];
    if (value == old_values[i].second || !changes_mathematics(key)) continue;
    differences.push_back(str(key, " was ", old_values[i].second, ", is ", value));
  }
  STRATA_CHECK(differences.empty(), file.string(), ": holds another run (", join(differences, "; "),
               "); choose another run.dir or remove the folder");
}

// Without one there is nothing that a run could go on from.
bool has_checkpoints(const fs::path& folder) {
  const fs::path checkpoints = folder / "checkpoints";
  return fs::is_directory(checkpoints) && !fs::is_empty(checkpoints);
}

io::FileLock lock(const fs::path& folder) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  STRATA_CHECK(!failure, "run.dir: cannot make ", folder.string(), ": ", failure.message());
  auto lock = io::FileLock::try_lock(folder / ".lock");
  STRATA_CHECK(lock.has_value(), "run.dir: another process is writing to ", folder.string());
  return std::move(*lock);
}

}  // namespace

RunFolder::RunFolder(const config::RunConfig& config) : path_(config.run.dir), lock_(lock(path_)) {
  const fs::path file = path_ / "config.yaml";
  if (fs::exists(file) && has_checkpoints(path_)) require_same_run(config::load(file).config, config, file);
  io::write_atomically(file, config::to_yaml(config));
}

}  // namespace strata::train
