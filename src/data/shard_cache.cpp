#include "strata/data/shard_cache.h"

#include <xxhash.h>

#include <system_error>

#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/io/fetch.h"
#include "strata/io/file_lock.h"

namespace strata::data {
namespace {

namespace fs = std::filesystem;

// What a process left that was killed while it made this shard. The caller holds the shard's lock.
void remove_leftovers(const fs::path& shard) {
  const std::string prefix = shard.filename().string() + ".tmp-";
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(shard.parent_path())) {
    if (entry.path().filename().string().starts_with(prefix)) leftovers.push_back(entry.path());
  }
  for (const fs::path& path : leftovers) fs::remove(path);
}

}  // namespace

ShardCache::ShardCache(fs::path folder, std::shared_ptr<const Tokenizer> tokenizer, TokenizeOptions options)
    : folder_(std::move(folder)), tokenizer_(std::move(tokenizer)), options_(std::move(options)) {
  std::error_code failure;
  fs::create_directories(folder_ / "locks", failure);
  STRATA_CHECK(!failure, "cannot make the cache folder ", folder_.string(), ": ", failure.message());
}

fs::path ShardCache::path_of(const Source& source) const {
  std::string key = str(tokenizer_->fingerprint(), '\0', options_.skip_bad, '\0', source.url);
  for (const fs::path& file : source.files) {
    std::error_code failure;
    const fs::path path = fs::weakly_canonical(file, failure);
    const auto size = failure ? 0 : fs::file_size(path, failure);
    const auto time = failure ? fs::file_time_type() : fs::last_write_time(path, failure);
    STRATA_CHECK(!failure, "cannot read ", file.string(), ": ", failure.message());
    key += str('\0', path.string(), '\0', size, '\0', time.time_since_epoch().count());
  }
  return folder_ / str(source.name, "-", hex(XXH3_64bits(key.data(), key.size())), ".tokens");
}

ShardCache::Outcome ShardCache::make(const Source& source, const std::stop_token& stop) const {
  const fs::path path = path_of(source);
  if (fs::exists(path)) return Outcome::kThere;
  const auto lock = io::FileLock::try_lock(folder_ / "locks" / path.filename());
  if (!lock) return Outcome::kBusy;
  if (fs::exists(path)) return Outcome::kThere;  // made since the first look
  remove_leftovers(path);
  const bool made = source.url.empty() ? make_from_files(source, path, stop) : make_from_url(source, path, stop);
  return made ? Outcome::kMade : Outcome::kStopped;
}

bool ShardCache::make_from_url(const Source& source, const fs::path& path, const std::stop_token& stop) const {
  const fs::path download = folder_ / "downloads" / str(path.stem().string(), "-", source.name);
  fs::create_directories(download.parent_path());
  if (!io::fetch(source.url, download, {}, stop)) return false;
  try {
    const bool whole =
        tokenize({.name = source.name, .files = {download}}, *tokenizer_, options_, path, stop).has_value();
    fs::remove(download);
    return whole;
  } catch (...) {
    fs::remove(download);  // a damaged one must not be found again
    throw;
  }
}

bool ShardCache::make_from_files(const Source& source, const fs::path& path, const std::stop_token& stop) const {
  if (!tokenize(source, *tokenizer_, options_, path, stop)) return false;
  if (path_of(source) != path) {
    fs::remove(path);
    throw Error(str(source.name, ": was changed while it was tokenized"));
  }
  return true;
}

}  // namespace strata::data
