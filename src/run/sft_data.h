#pragma once

#include "strata/data/samples/blocks.h"
#include "strata/data/samples/questions.h"
#include "strata/run/input.h"

namespace strata::run {

/// What the keys under `sft` name.
class SftData final : public RunInput {
 public:
  /// Reads and tokenises all of it. Throws UsageError, naming the key, for what is missing or does not fit the model or
  /// the rest of the config, and Error for weights that are not this model's.
  explicit SftData(const config::RunConfig& config);

  const data::Tokenizer* tokenizer() const override { return &tokenizer_; }
  uint64_t fingerprint() const override { return samples_.fingerprint(); }
  std::string model_fingerprint() const override { return model_fingerprint_; }
  /// What sft.epochs come to.
  int64_t steps(const config::RunConfig& config) const override;
  std::unique_ptr<data::BatchSource> batches(const Settled& run, const data::BatchOptions& options,
                                             const data::OrderCursor& start) const override;
  void initialise(const Settled& run, nn::Parameters& parameters) const override;
  std::optional<train::EvaluationPlan> evaluation(const Settled& run, train::Training& training) const override;
  double flops_per_token(const Settled& run) const override;
  std::vector<std::string> description(const Settled& run) const override;

 private:
  SftData(const config::RunConfig& config, const std::vector<data::Instruction>& records);

  int64_t steps_per_epoch(const config::RunConfig& config) const;
  int64_t longest_response() const;

  io::TensorFiles weights_;
  std::string model_fingerprint_;
  data::Tokenizer tokenizer_;
  data::SampleSet samples_;
  data::Questions questions_;
  data::SampleBlocks blocks_;
};

}  // namespace strata::run
