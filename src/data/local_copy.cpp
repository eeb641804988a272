#include <xxhash.h>

#include <chrono>
#include <thread>

#include "strata/base/text.h"
#include "strata/data/source.h"
#include "strata/io/fetch.h"
#include "strata/io/file_lock.h"

namespace strata::data {

std::filesystem::path local_copy(const std::string& path_or_url, const std::filesystem::path& cache) {
  namespace fs = std::filesystem;
  if (!io::is_url(path_or_url)) return path_or_url;
  fs::create_directories(cache);
  const fs::path path = cache / (hex(XXH3_64bits(path_or_url.data(), path_or_url.size())) + "-" +
                                 fs::path(path_or_url).filename().string());
  while (!fs::exists(path)) {
    if (const auto lock = io::FileLock::try_lock(path.string() + ".lock")) {
      if (!fs::exists(path)) io::fetch(path_or_url, path);
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));  // another process downloads it
    }
  }
  return path;
}

}  // namespace strata::data
