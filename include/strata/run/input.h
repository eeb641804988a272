#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "strata/data/batch_source.h"
#include "strata/data/tokenizer.h"
#include "strata/train/hooks.h"
#include "strata/train/training.h"

namespace strata::run {

struct Settled;

/// What a run starts from, trains on and is judged by: where pretraining and fine-tuning differ. It keeps no config:
/// the run that asks hands over its own.
class RunInput {
 public:
  virtual ~RunInput() = default;

  /// None where the data are ids already, and data.tokenizer names nothing.
  virtual const data::Tokenizer* tokenizer() const = 0;
  /// 0 without one.
  uint64_t tokenizer_fingerprint() const { return tokenizer() == nullptr ? 0 : tokenizer()->fingerprint(); }
  /// Tells what is trained on apart, at once, for workers to agree on.
  virtual uint64_t fingerprint() const = 0;
  /// The same by its content, for checkpoints: a run that goes on must have it. It may have to be made first.
  virtual uint64_t content_fingerprint() const { return fingerprint(); }
  /// Of what the run's loss is judged on, as far as it is read; 0: it is part of the above, or there is nothing.
  virtual uint64_t evaluation_fingerprint(const config::RunConfig& /*config*/) const { return 0; }
  /// Tells the models apart that runs start from; empty: random numbers.
  virtual std::string model_fingerprint() const { return ""; }
  /// How many steps the run has. Throws UsageError where the config says something else.
  virtual int64_t steps(const config::RunConfig& config) const { return config.train.steps; }
  /// What data.rows=auto stands for.
  virtual config::RowKind rows() const { return config::RowKind::kDocument; }

  /// Global batches from `start` on. It must not outlive this.
  virtual std::unique_ptr<data::BatchSource> batches(const Settled& run, const data::BatchOptions& options,
                                                     const data::OrderCursor& start) const = 0;
  /// The values that a run starts with.
  virtual void initialise(const Settled& run, nn::Parameters& parameters) const = 0;
  /// Nothing: there is nothing to evaluate on. What is given must outlive the plan, and so must this.
  virtual std::optional<train::EvaluationPlan> evaluation(const Settled& run, train::Training& training) const = 0;

  /// Of the model, on this data.
  virtual double flops_per_token(const Settled& run) const = 0;
  /// For people, below the header.
  virtual std::vector<std::string> description(const Settled& /*run*/) const { return {}; }
};

}  // namespace strata::run
