#include "strata/data/samples/samples.h"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>

#include "strata/base/check.h"
#include "strata/base/seed.h"
#include "strata/base/threads.h"
#include "strata/data/order.h"

namespace strata::data {
namespace {

constexpr int64_t kRecordsAtATime = 32;

class Builder {
 public:
  Builder(const PromptTemplate& prompts, const Tokenizer& tokenizer, const SampleOptions& options)
      : prompts_(prompts), tokenizer_(tokenizer), longest_(options.sequence_length), scored_(options.scored) {}

  Sample build(const Instruction& record) const {
    Sample sample;
    sample.ids = tokenizer_.start();
    for (const Turn& turn : record.turns) {
      if (std::ssize(sample.ids) > longest_) break;
      append(tokenizer_.encode(prompts_.prompt(turn)), sample);
      const auto response = std::ssize(sample.ids);
      if (sample.scored.empty()) sample.prompt = static_cast<int32_t>(response);
      append(tokenizer_.encode(prompts_.response(turn)), sample);
      if (tokenizer_.end()) sample.ids.push_back(*tokenizer_.end());
      sample.scored.push_back({static_cast<int32_t>(response), static_cast<int32_t>(sample.ids.size())});
    }
    if (scored_ == config::ScoredTokens::kAll) sample.scored = {{0, static_cast<int32_t>(sample.ids.size())}};
    cut(sample);
    return sample;
  }

 private:
  static void append(const std::vector<int32_t>& ids, Sample& sample) {
    sample.ids.insert(sample.ids.end(), ids.begin(), ids.end());
  }

  void cut(Sample& sample) const {
    if (std::ssize(sample.ids) <= longest_) return;
    sample.truncated = true;
    sample.ids.resize(static_cast<size_t>(longest_));
    sample.ids.shrink_to_fit();
    const auto end = static_cast<int32_t>(longest_);
    sample.prompt = std::min(sample.prompt, end);
    for (IdRange& range : sample.scored) range.end = std::min(range.end, end);
    std::erase_if(sample.scored, [](const IdRange& range) { return range.begin >= range.end; });
  }

  const PromptTemplate& prompts_;
  const Tokenizer& tokenizer_;
  int64_t longest_;
  config::ScoredTokens scored_;
};

std::vector<Sample> build_all(const Builder& builder, const std::vector<Instruction>& records,
                              std::span<const int64_t> indices) {
  std::vector<Sample> samples(indices.size());
  parallel_ranges(std::ssize(indices), kRecordsAtATime, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      samples[i] = builder.build(records[static_cast<size_t>(indices[i])]);
      samples[i].record = indices[i];
    }
  });
  std::erase_if(samples, [](const Sample& sample) { return sample.num_targets() == 0; });
  return samples;
}

std::vector<int64_t> permuted(int64_t count, uint64_t seed) {
  std::vector<int64_t> indices(static_cast<size_t>(count));
  const Permutation permutation(count, derive_seed(seed, "samples"));
  for (int64_t i = 0; i < count; ++i) indices[static_cast<size_t>(i)] = permutation(i);
  return indices;
}

class Hash {
 public:
  Hash() : state_(XXH3_createState(), XXH3_freeState) { XXH3_64bits_reset(state_.get()); }

  template <class T>
  void add(const std::vector<T>& values) {
    const uint64_t size = values.size();
    XXH3_64bits_update(state_.get(), &size, sizeof size);
    XXH3_64bits_update(state_.get(), values.data(), values.size() * sizeof(T));
  }

  uint64_t digest() const { return XXH3_64bits_digest(state_.get()); }

 private:
  std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state_;
};

}  // namespace

int64_t Sample::num_scored(int64_t begin, int64_t end) const {
  int64_t count = 0;
  for (const IdRange& range : scored) {
    count += std::max<int64_t>(0, std::min<int64_t>(range.end, end) - std::max<int64_t>(range.begin, begin));
  }
  return count;
}

SampleSet::SampleSet(const std::vector<Instruction>& records, const PromptTemplate& prompts, const Tokenizer& tokenizer,
                     const SampleOptions& options) {
  if (records.empty()) throw UsageError("sft.data: the files hold no record");
  const auto all = permuted(std::ssize(records), options.seed);
  const auto held_out = static_cast<int64_t>(std::llround(options.holdout * static_cast<double>(records.size())));
  const int64_t rest = std::ssize(records) - held_out;
  if (rest == 0) throw UsageError(str("sft.holdout=", options.holdout, " keeps all of the ", held_out, " records"));
  const int64_t trained = options.limit > 0 ? std::min(options.limit, rest) : rest;
  const auto middle = all.begin() + held_out;
  std::vector<int64_t> kept(all.begin(), middle), used(middle, middle + trained);
  if (!options.shuffle) {
    std::ranges::sort(kept);
    std::ranges::sort(used);
  }
  const Builder builder(prompts, tokenizer, options);
  held_out_ = build_all(builder, records, kept);
  training_ = build_all(builder, records, used);
  statistics_.left_out = held_out + trained - std::ssize(held_out_) - std::ssize(training_);
  count();
  if (training_.empty()) {
    throw UsageError(str("data.sequence_length=", options.sequence_length, " ends before the response in all of the ",
                         trained, " records of sft.data"));
  }
}

void SampleSet::count() {
  statistics_.samples = std::ssize(training_);
  statistics_.held_out = std::ssize(held_out_);
  for (const Sample& sample : training_) {
    statistics_.tokens += std::ssize(sample.ids);
    statistics_.scored_tokens += sample.num_targets();
  }
  for (const auto* samples : {&training_, &held_out_}) {
    statistics_.truncated += std::ranges::count(*samples, true, &Sample::truncated);
  }
}

uint64_t SampleSet::fingerprint() const {
  Hash hash;
  hash.add(std::vector<uint64_t>{training_.size(), held_out_.size()});
  for (const auto* samples : {&training_, &held_out_}) {
    for (const Sample& sample : *samples) {
      hash.add(sample.ids);
      hash.add(sample.scored);
    }
  }
  return hash.digest();
}

}  // namespace strata::data
