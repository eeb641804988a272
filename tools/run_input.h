#pragma once

#include <memory>
#include <string>
#include <vector>

#include "strata/data/batch_source.h"
#include "strata/data/tokenizer.h"
#include "strata/train/hooks.h"
#include "strata/train/training.h"

namespace strata::tools {

/// What a run starts from, trains on and is judged by: where pretraining and fine-tuning differ.
class RunInput {
 public:
  virtual ~RunInput() = default;

  virtual const data::Tokenizer& tokenizer() const = 0;
  /// Tells what is trained on apart.
  virtual uint64_t fingerprint() const = 0;
  /// Tells the models apart that runs start from; empty: random numbers.
  virtual std::string model_fingerprint() const { return ""; }

  /// Global batches from `start` on, of which this worker computes the micro-batches `mine`.
  virtual std::unique_ptr<data::BatchSource> batches(const data::OrderCursor& start, const std::vector<int64_t>& mine,
                                                     const data::BatchShape& shape) const = 0;
  /// The values that a run starts with.
  virtual void initialise(nn::Parameters& parameters) const = 0;
  /// nullptr: there is nothing to evaluate on. It must not outlive this.
  virtual std::unique_ptr<train::Hook> evaluation(train::Training& training, train::RunLogs* logs,
                                                  int64_t last_step) const = 0;

  /// Of the model, on this data.
  virtual double flops_per_token() const = 0;
  /// For people, below the header.
  virtual std::vector<std::string> description() const { return {}; }
};

}  // namespace strata::tools
