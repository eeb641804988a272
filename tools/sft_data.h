#pragma once

#include "run_input.h"
#include "strata/data/samples/blocks.h"
#include "strata/data/samples/questions.h"

namespace strata::tools {

/// What the keys under `sft` name.
class SftData final : public RunInput {
 public:
  /// Reads and tokenises all of it. Throws UsageError, naming the key, for what is missing or does not fit the model or
  /// the rest of the config, and Error for weights that are not this model's.
  explicit SftData(const config::RunConfig& config);

  /// The config, with the train.steps that sft.epochs come to.
  const config::RunConfig& config() const { return config_; }

  const data::Tokenizer& tokenizer() const override { return tokenizer_; }
  uint64_t fingerprint() const override { return samples_.fingerprint(); }
  std::string model_fingerprint() const override { return model_fingerprint_; }
  std::unique_ptr<data::BatchSource> batches(const data::OrderCursor& start, const std::vector<int64_t>& mine,
                                             const data::BatchShape& shape) const override;
  void initialise(nn::Parameters& parameters) const override;
  std::unique_ptr<train::Hook> evaluation(train::Training& training, train::RunLogs* logs,
                                          int64_t last_step) const override;
  double flops_per_token() const override;
  std::vector<std::string> description() const override;

 private:
  SftData(const config::RunConfig& config, const std::vector<data::Instruction>& records);

  int64_t steps_per_epoch() const;
  int64_t longest_response() const;

  config::RunConfig config_;
  io::TensorFiles weights_;
  std::string model_fingerprint_;
  data::Tokenizer tokenizer_;
  data::SampleSet samples_;
  data::Questions questions_;
  data::SampleBlocks blocks_;
};

}  // namespace strata::tools
