#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "strata/data/order.h"
#include "strata/data/token_batch.h"

namespace strata::data {

/// The rows of one optimizer step. Pieces of a row that do not see each other are rows of their own in a micro-batch.
struct GlobalBatch {
  std::vector<TokenBatch> micro_batches;  // this worker's
  int64_t num_tokens = 0;                 // over all workers
  int64_t num_targets = 0;                // over all workers
  OrderCursor begin;
  OrderCursor end;  // where the next global batch begins
};

/// How global batches are cut and handed out. None of it but `global_batch` decides what they hold.
struct BatchOptions {
  int64_t global_batch = 512;  // rows of one optimizer step, over all workers
  int64_t micro_batch = 32;    // rows of one forward pass: divides global_batch
  int64_t vocab_size = 0;      // the model's: at least the tokenizer's
  /// This worker's micro-batches of each global batch (0 … global_batch / micro_batch - 1), in the order in which
  /// it takes them; empty: all of them.
  std::vector<int64_t> mine = {};
  int64_t prefetch = 2;  // global batches ahead
  BatchShape shape = {};

  /// `mine`, spelled out.
  std::vector<int64_t> micro_batches() const {
    if (!mine.empty()) return mine;
    std::vector<int64_t> all;
    for (int64_t micro = 0; micro < global_batch / micro_batch; ++micro) all.push_back(micro);
    return all;
  }
};

/// What a run trains on.
class BatchSource {
 public:
  virtual ~BatchSource() = default;

  /// The next global batch; nothing after the last one, and where it is not ready and `give_up`, asked again and again,
  /// says so. Throws what went wrong while the batch was prepared.
  virtual std::optional<GlobalBatch> next_unless(const std::function<bool()>& give_up) = 0;

  /// What became of the data, for a run of so many global batches; nothing where that is not known yet. Lines for
  /// people.
  virtual std::vector<std::string> description(int64_t /*batches*/) { return {}; }

  /// How often the data were read by a run that stands at `cursor`. Lines for people.
  virtual std::vector<std::string> read_before(const OrderCursor& /*cursor*/) const { return {}; }
};

/// What a run is evaluated on: micro-batches in a fixed order.
class BatchSet {
 public:
  virtual ~BatchSet() = default;

  virtual int64_t num_batches() const = 0;
  virtual TokenBatch batch(int64_t index) const = 0;
};

}  // namespace strata::data
