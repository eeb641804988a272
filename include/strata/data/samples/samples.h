#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "strata/config/sft.h"
#include "strata/data/samples/instructions.h"
#include "strata/data/samples/prompt_template.h"
#include "strata/data/tokenizer.h"

namespace strata::data {

/// Ids [begin, end) of a sample.
struct IdRange {
  int32_t begin = 0;
  int32_t end = 0;

  bool operator==(const IdRange&) const = default;
};

/// A record as the model reads it: what documents begin with, then for every turn its prompt, its response and what
/// documents end with.
struct Sample {
  std::vector<int32_t> ids;
  std::vector<IdRange> scored;  // in order, not empty, not touching
  int32_t prompt = 0;           // ids before the first response
  int64_t record = 0;           // where it comes from
  bool truncated = false;

  /// Scored ids of [begin, end).
  int64_t num_scored(int64_t begin, int64_t end) const;
  /// Scored ids that have another one before them.
  int64_t num_targets() const { return num_scored(1, static_cast<int64_t>(ids.size())); }
};

struct SampleOptions {
  int64_t sequence_length = 512;  // most ids of a sample
  config::ScoredTokens scored = config::ScoredTokens::kResponse;
  double holdout = 0.0;  // share of the records that is held out
  int64_t limit = 0;     // records that are trained on; 0: all the others
  bool shuffle = true;   // false: the samples stay in the order of the records
  uint64_t seed = 0;     // decides which records are held out, which are the first, and in what order they are
};

struct SampleStatistics {
  int64_t samples = 0;        // that are trained on, and of them:
  int64_t tokens = 0;         // all ids
  int64_t scored_tokens = 0;  // targets
  int64_t held_out = 0;       // samples
  int64_t truncated = 0;      // samples, the held-out ones included
  int64_t left_out = 0;       // records whose ids up to the sequence length hold no target

  double scored_share() const {
    return tokens == 0 ? 0.0 : static_cast<double>(scored_tokens) / static_cast<double>(tokens);
  }
  bool operator==(const SampleStatistics&) const = default;
};

/// The samples of a run. A permutation of the records by the seed decides: its first round(holdout * records) are held
/// out, whatever the limit is, and the next ones are trained on. Prompts and responses are tokenised separately, on all
/// threads; only records that are used are.
class SampleSet {
 public:
  /// Throws UsageError, naming the keys, where no sample is left to train on.
  SampleSet(const std::vector<Instruction>& records, const PromptTemplate& prompts, const Tokenizer& tokenizer,
            const SampleOptions& options);

  const std::vector<Sample>& training() const { return training_; }
  const std::vector<Sample>& held_out() const { return held_out_; }
  const SampleStatistics& statistics() const { return statistics_; }

  /// XXH3 of everything that decides a run's numbers: ids, what of them is scored, the split, the order.
  uint64_t fingerprint() const;

 private:
  void count();

  std::vector<Sample> training_, held_out_;
  SampleStatistics statistics_;
};

}  // namespace strata::data
