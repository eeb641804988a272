#pragma once

#include <c10/core/Event.h>
#include <c10/core/Stream.h>

#include <array>
#include <memory>
#include <optional>

#include "strata/base/allocator.h"
#include "strata/data/token_batch.h"

namespace strata::data {

/// Brings batches to the device that computes, ahead of their use: through pinned memory, on a stream of its own, two
/// batches at a time. Where that device is the CPU there is nothing to do.
///
///   upload.start(first);
///   while (...) { batch = upload.take(); upload.start(next); compute(batch); }
class BatchUpload {
 public:
  /// For batches of at most so many tokens, padding included.
  BatchUpload(at::Device device, int64_t max_tokens, Allocator& memory);

  /// Begins to bring the batch over, in the place of the one taken before the last one. At most two are under way.
  void start(const TokenBatch& batch);

  /// The oldest batch that was started and not taken. What is enqueued on the current stream from now on finds it
  /// there; what was enqueued until now has used the batch taken before it.
  TokenBatch take();

 private:
  struct Slot {
    at::Tensor host, device;  // bytes
    std::optional<c10::Event> arrived, used;
    TokenBatch batch;
  };

  c10::Stream current_stream() const;

  at::Device device_;
  std::optional<c10::Stream> stream_;
  std::array<Slot, 2> slots_;
  size_t started_ = 0;
  size_t taken_ = 0;
};

}  // namespace strata::data
