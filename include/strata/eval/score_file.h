#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "strata/eval/scorer.h"
#include "strata/io/append_file.h"
#include "strata/workers/communicator.h"

namespace strata::eval {

/// Tells the requests of items apart.
uint64_t fingerprint_of(const AskedItem& asked);

/// The scores that an evaluation has found so far, kept in a file, so that one that was interrupted goes on.
///
/// JSON lines: first {"evaluation": TEXT}, what the scores depend on beside the requests themselves; then one item each
/// with its set, number, a checksum of its requests, and its log-likelihoods.
class ScoreFile {
 public:
  /// Keeps nothing.
  ScoreFile() = default;

  /// A collective: the first worker reads the file and tells the others what is in it; it alone writes. A file of
  /// another evaluation is begun anew, with a warning; what breaks off in the middle of a line counts up to there.
  ScoreFile(const std::filesystem::path& path, const std::string& evaluation, workers::Communicator& workers);

  /// nullptr where the item, with these requests, has not been scored.
  const LogLikelihoods* find(const std::string& set, int64_t item, const AskedItem& asked) const;
  void add(const std::string& set, int64_t item, const AskedItem& asked, const LogLikelihoods& scores);

  /// How many scores were there at the start.
  int64_t num_found() const { return num_found_; }

  /// Removes the file: all that was in it is in the results.
  void remove();

 private:
  struct Known {
    uint64_t requests = 0;
    LogLikelihoods scores;
  };

  bool take(const std::string& text, const std::string& evaluation);

  std::unique_ptr<io::AppendFile> file_;
  std::map<std::pair<std::string, int64_t>, Known> known_;
  int64_t num_found_ = 0;
};

}  // namespace strata::eval
