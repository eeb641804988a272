#pragma once

#include <c10/core/Event.h>
#include <c10/core/Stream.h>

#include <array>
#include <optional>

#include "strata/base/allocator.h"
#include "strata/data/token_batch.h"

namespace strata::data {

/// Brings batches to the device that computes: through pinned memory, on a stream of its own, so that one arrives while
/// the one before it is worked on. Where that device is the CPU there is nothing to do.
class BatchUpload {
 public:
  /// For batches of at most so many tokens, padding included.
  BatchUpload(at::Device device, int64_t max_tokens, Allocator& allocator);

  /// The batch on the device: what is enqueued on the current stream from now on finds it there. It stays until the
  /// call after the next one, and then its memory is another's.
  TokenBatch send(const TokenBatch& batch);

 private:
  struct Slot {
    at::Tensor host, device;  // bytes
    std::optional<c10::Event> arrived, used;
  };

  at::Device device_;
  std::optional<c10::Stream> stream_;
  std::array<Slot, 2> slots_;
  size_t current_ = 0;
};

}  // namespace strata::data
