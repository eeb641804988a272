#include "strata/data/shard_cache.h"

#include <xxhash.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <system_error>
#include <thread>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/io/fetch.h"
#include "strata/io/file.h"
#include "strata/io/file_lock.h"
#include "strata/io/json.h"
#include "token_file.h"

namespace strata::data {
namespace {

namespace fs = std::filesystem;

// What a process left that was killed while it made this shard. The caller holds the shard's lock.
void remove_leftovers(const fs::path& shard) {
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(shard.parent_path())) {
    if (io::target_of_temporary(entry.path()) == shard) leftovers.push_back(entry.path());
  }
  for (const fs::path& path : leftovers) fs::remove(path);
}

fs::path counts_path(const fs::path& shard) { return shard.string() + ".counts"; }
fs::path skipped_path(const fs::path& shard) { return shard.string() + ".skipped"; }

// Before the shard has its name: whoever finds it finds this too.
void note_skipped(const fs::path& shard, const TokenizeCounts& counts) {
  fs::remove(skipped_path(shard));
  if (counts.bad_documents > 0) io::write_json(skipped_path(shard), {{"documents", counts.bad_documents}});
}

// Every row of a run depends on these few digits.
std::string checksum(const ShardCounts& counts) {
  const std::string text = str(counts.documents, ' ', counts.tokens, ' ', counts.bytes);
  return hex(XXH3_64bits(text.data(), text.size()));
}

}  // namespace

uint64_t fingerprint_of_tokens(const ShardCache& cache, const std::vector<Source>& sources) {
  std::string key;
  for (const Source& source : sources) {
    cache.make_or_wait(source);
    key += str(cache.fingerprint_of(source), ' ');
  }
  return XXH3_64bits(key.data(), key.size());
}

ShardCache::ShardCache(fs::path folder, std::shared_ptr<const Tokenizer> tokenizer, TokenizeOptions options,
                       int64_t vocab_size)
    : folder_(std::move(folder)),
      tokenizer_(std::move(tokenizer)),
      options_(std::move(options)),
      vocab_size_(vocab_size) {
  std::error_code failure;
  fs::create_directories(folder_ / "locks", failure);
  STRATA_CHECK(!failure, "cannot make the cache folder ", folder_.string(), ": ", failure.message());
}

fs::path ShardCache::path_of(const Source& source) const {
  if (source.holds_tokens()) {
    if (source.url.empty()) return source.files.front();
    return folder_ / str(hex(XXH3_64bits(source.url.data(), source.url.size())), "-", source.name);
  }
  STRATA_CHECK(tokenizer_, source.name, ": is text, and data.tokenizer names no tokenizer");
  const ReadOptions& reading = options_.reading;
  std::string key = str(tokenizer_->fingerprint(), '\0', reading.skip_bad, '\0', source.url);
  // Only where they are not the usual ones: shards of before there were these options are found.
  const std::string marks = tokenizer_->marks_key();
  if (!marks.empty()) key += str('\0', marks);
  if (reading.field != ReadOptions{}.field) key += str('\0', reading.field);
  if (reading.longest_document != ReadOptions{}.longest_document) key += str('\0', reading.longest_document);
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
  STRATA_CHECK(!source.holds_tokens() || !source.url.empty(), "cannot read ", path.string(), ": it is gone");
  const auto lock = io::FileLock::try_lock(folder_ / "locks" / path.filename());
  if (!lock) return Outcome::kBusy;
  if (fs::exists(path)) return Outcome::kThere;  // made since the first look
  remove_leftovers(path);
  const bool made = source.url.empty() ? make_from_files(source, path, stop) : make_from_url(source, path, stop);
  return made ? Outcome::kMade : Outcome::kStopped;
}

std::shared_ptr<const TokenShard> ShardCache::open(const Source& source) const {
  const fs::path path = path_of(source);
  try {
    if (source.holds_tokens()) return std::make_shared<const TokenShard>(path, vocab_size_);
    return std::make_shared<const TokenShard>(path);
  } catch (const Error&) {
    if (fs::exists(path)) throw;
    return nullptr;  // another process has just evicted it
  }
}

uint64_t ShardCache::fingerprint_of(const Source& source) const {
  const fs::path path = path_of(source);
  if (!source.holds_tokens()) return TokenShard::checksum_of(path);
  std::string key = str(io::checksum(path));
  if (fs::exists(index_of(path))) key += str(' ', io::checksum(index_of(path)));
  return XXH3_64bits(key.data(), key.size());
}

ShardCache::Outcome ShardCache::make_or_wait(const Source& source) const {
  constexpr std::chrono::milliseconds kLookAgain{100};
  const log::Wait wait(str("the tokens of ", source.name));
  Outcome outcome = make(source);
  for (; outcome == Outcome::kBusy; outcome = make(source)) std::this_thread::sleep_for(kLookAgain);
  return outcome;
}

void ShardCache::evict(const Source& source, const ShardCounts& counts) const {
  const fs::path path = path_of(source);
  io::write_json(counts_path(path), {{"documents", counts.documents},
                                     {"tokens", counts.tokens},
                                     {"bytes", counts.bytes},
                                     {"checksum", checksum(counts)}});
  fs::remove(path);
  if (source.holds_tokens()) fs::remove(index_of(path));
}

std::optional<ShardCounts> ShardCache::counts_left_by(const Source& source) const {
  const fs::path path = counts_path(path_of(source));
  if (!fs::exists(path)) return std::nullopt;
  std::string problem = str(path.string(), ": its checksum does not match");
  try {
    const nlohmann::json value = io::read_json(path);
    const ShardCounts counts{.documents = value.at("documents").get<int64_t>(),
                             .tokens = value.at("tokens").get<int64_t>(),
                             .bytes = value.at("bytes").get<int64_t>()};
    if (value.at("checksum") == checksum(counts)) return counts;
  } catch (const Error& failure) {
    problem = failure.what();
  } catch (const nlohmann::json::exception& failure) {
    problem = str(path.string(), ": ", io::reason_of(failure));
  }
  log::warn(str(problem, "; its shard is made again to count"));
  return std::nullopt;
}

int64_t ShardCache::skipped_of(const Source& source) const {
  const fs::path path = skipped_path(path_of(source));
  if (!fs::exists(path)) return 0;
  const nlohmann::json value = io::read_json(path);
  STRATA_CHECK(value.is_object() && value.contains("documents") && value["documents"].is_number_integer(),
               path.string(), ": has no number of \"documents\"");
  return value["documents"].get<int64_t>();
}

int64_t ShardCache::bytes_of(const Source& source) const {
  std::error_code failure;
  const auto bytes = fs::file_size(path_of(source), failure);
  return failure ? 0 : static_cast<int64_t>(bytes);
}

bool ShardCache::make_shard(const Source& source, const fs::path& path, const std::stop_token& stop) const {
  TokenizeOptions options = options_;
  options.made = [&path](const TokenizeCounts& counts) { note_skipped(path, counts); };
  const auto counts = tokenize(source, *tokenizer_, options, path, stop);
  if (!counts) return false;
  log::info(str("tokenized ", source.name, ": ", counts->documents, " documents, ", counts->tokens, " tokens"));
  return true;
}

// The index comes first: whoever finds the ids finds it too.
bool ShardCache::download_tokens(const Source& source, const fs::path& path, const std::stop_token& stop) const {
  const fs::path download = folder_ / "downloads" / path.filename();
  fs::create_directories(download.parent_path());
  if (!io::fetch(source.url, download, {}, stop)) return false;
  try {
    const bool is_whole = has_own_header(io::MappedFile(download).view()) ||
                          io::fetch(index_of(source.url).string(), index_of(path), {}, stop);
    if (is_whole) fs::rename(download, path);
    return is_whole;
  } catch (...) {
    fs::remove(download);  // without its index it is of no use
    throw;
  }
}

bool ShardCache::make_from_url(const Source& source, const fs::path& path, const std::stop_token& stop) const {
  if (source.holds_tokens()) return download_tokens(source, path, stop);
  const fs::path download = folder_ / "downloads" / str(path.stem().string(), "-", source.name);
  fs::create_directories(download.parent_path());
  if (!io::fetch(source.url, download, {}, stop)) return false;
  try {
    const bool whole = make_shard({.name = source.name, .files = {download}}, path, stop);
    fs::remove(download);
    return whole;
  } catch (...) {
    fs::remove(download);  // a damaged one must not be found again
    throw;
  }
}

bool ShardCache::make_from_files(const Source& source, const fs::path& path, const std::stop_token& stop) const {
  if (!make_shard(source, path, stop)) return false;
  if (path_of(source) != path) {
    fs::remove(path);
    throw Error(str(source.name, ": was changed while it was tokenized"));
  }
  return true;
}

}  // namespace strata::data
