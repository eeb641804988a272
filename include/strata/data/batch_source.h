#pragma once

#include <cstdint>
#include <functional>
#include <optional>
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

/// What a run trains on.
class BatchSource {
 public:
  virtual ~BatchSource() = default;

  /// The next global batch; nothing after the last one, and where it is not ready and `give_up`, asked again and again,
  /// says so. Throws what went wrong while the batch was prepared.
  virtual std::optional<GlobalBatch> next_unless(const std::function<bool()>& give_up) = 0;
};

/// What a run is evaluated on: micro-batches in a fixed order.
class BatchSet {
 public:
  virtual ~BatchSet() = default;

  virtual int64_t num_batches() const = 0;
  virtual TokenBatch batch(int64_t index) const = 0;
};

}  // namespace strata::data
