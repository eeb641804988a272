#include "strata/train/run_folder.h"

#include "strata/base/check.h"
#include "strata/config/print.h"
#include "strata/io/file.h"
#include "strata/train/checkpoint/checkpoint.h"

namespace strata::train {
namespace {

namespace fs = std::filesystem;

io::FileLock lock(const fs::path& folder) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  STRATA_CHECK(!failure, "run.dir: cannot make ", folder.string(), ": ", failure.message());
  auto lock = io::FileLock::try_lock(folder / ".lock");
  STRATA_CHECK(lock.has_value(), "run.dir: another process is writing to ", folder.string());
  return std::move(*lock);
}

}  // namespace

RunFolder::RunFolder(const fs::path& path) : path_(path), lock_(lock(path_)) { remove_leftovers(path_); }

void RunFolder::write_config(const config::RunConfig& config) const {
  io::write_atomically(path_ / "config.yaml", config::to_yaml(config));
}

}  // namespace strata::train
