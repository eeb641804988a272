#include "strata/io/folder.h"

#include <unistd.h>

#include "strata/base/check.h"
#include "strata/io/file.h"

namespace strata::io {
namespace {

namespace fs = std::filesystem;

// "out/" is "out", and the folder above it can be named.
fs::path without_slash(const fs::path& path) {
  const fs::path whole = fs::absolute(path).lexically_normal();
  return whole.has_filename() ? whole : whole.parent_path();
}

bool holds_files_alone(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_directory()) return false;
  }
  return true;
}

void check_free(const fs::path& path, const std::string& mark, bool replace) {
  if (!fs::exists(fs::symlink_status(path))) return;
  STRATA_CHECK(fs::is_directory(path) && !fs::is_symlink(path), path.string(), ": is there and is not a folder");
  if (fs::is_empty(path)) return;
  STRATA_CHECK(replace, path.string(), ": is there already; --force replaces it");
  STRATA_CHECK(fs::exists(path / mark) && holds_files_alone(path), path.string(),
               ": is no folder of the kind that would replace it (files alone, ", mark, " among them)");
}

}  // namespace

AtomicFolder::AtomicFolder(fs::path path, const std::string& mark, bool replace)
    : path_(without_slash(path)),
      temporary_(str(path_.string(), ".tmp-", getpid())),
      last_words_(str("nothing was written to ", path_.string(), "; ", temporary_.string(), " can be removed")) {
  check_free(path_, mark, replace);
  std::error_code failure;
  fs::remove_all(temporary_, failure);  // left by a process that was killed and had our number
  fs::create_directories(temporary_, failure);
  STRATA_CHECK(!failure, "cannot make the folder ", temporary_.string(), ": ", failure.message());
}

AtomicFolder::~AtomicFolder() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
}

void AtomicFolder::commit() try {
  const fs::path doomed = str(temporary_.string(), "-old");
  const bool replaces = fs::exists(path_);
  if (replaces) fs::rename(path_, doomed);
  try {
    fs::rename(temporary_, path_);
  } catch (const fs::filesystem_error&) {
    if (replaces) fs::rename(doomed, path_);
    throw;
  }
  temporary_.clear();
  fs::remove_all(doomed);
  sync_folder(path_.parent_path());
} catch (const fs::filesystem_error& failure) {
  throw Error(str("cannot write ", path_.string(), ": ", failure.code().message()));
}

}  // namespace strata::io
