#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "strata/workers/store.h"
#include "strata/workers/worker.h"

namespace strata::workers {

/// What a worker says of itself before the first collective.
struct Introduction {
  std::string host = {};
  int64_t pid = 0;
  std::string device = {};
  std::string gpu = {};  // what tells it from all others; empty: none. No two workers may have the same
  /// Label and value of what must be the same on every rank: versions, digests of the config and the data.
  std::vector<std::pair<std::string, std::string>> must_agree = {};

  bool operator==(const Introduction&) const = default;
};

std::string to_json(const Introduction& introduction);
/// Throws Error, naming `source`, if that is no introduction.
Introduction introduction_of_json(const std::string& text, const std::string& source);

/// What every rank says of itself, rank by rank; every rank calls it once per attempt.
///
/// Throws Error, naming the ranks, if some did not come within `timeout`. Throws UsageError on every rank, naming the
/// labels and the ranks, where a rank does not agree with rank 0, which logs a table of what differs, and naming the
/// ranks where several have one GPU.
std::vector<Introduction> introduce(const Store& store, const Worker& worker, const Introduction& mine,
                                    Store::Seconds timeout);

/// Ascending ranks in few words: "0-3, 5".
std::string list_ranks(const std::vector<int>& ranks);
/// Ascending ranks in a sentence: "rank 2", "ranks 2 and 5", "ranks 0-3, 5 and 7".
std::string name_ranks(const std::vector<int>& ranks);

}  // namespace strata::workers
