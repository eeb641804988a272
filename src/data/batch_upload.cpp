#include "strata/data/batch_upload.h"

#include <ATen/ops/empty.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <cstring>

#include "strata/base/check.h"

namespace strata::data {
namespace {

constexpr int64_t kAlignment = 16;

int64_t aligned(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

int64_t bytes_for(int64_t max_tokens) {
  int64_t bytes = 0;
  for (const BatchTensor& tensor : kBatchTensors) bytes += aligned((max_tokens + 1) * tensor.element_size);
  return bytes;
}

}  // namespace

BatchUpload::BatchUpload(at::Device device, int64_t max_tokens, Allocator& allocator) : device_(device) {
  if (allocator.device_type() == at::kCPU) return;
  for (Slot& slot : slots_) {
    slot.device = allocator.zeros(MemoryClass::kWorkspace, "batch", {bytes_for(max_tokens)}, at::kByte);
    if (allocator.is_planning()) continue;
    slot.host = at::empty({bytes_for(max_tokens)}, at::TensorOptions().dtype(at::kByte).pinned_memory(true));
    slot.arrived.emplace(device.type());
    slot.used.emplace(device.type());
  }
  if (!allocator.is_planning()) stream_ = c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device);
}

TokenBatch BatchUpload::send(const TokenBatch& batch) {
  if (!stream_) return batch;
  const c10::Stream current = c10::impl::VirtualGuardImpl(device_.type()).getStream(device_);
  slots_.at(current_).used->record(current);
  current_ = (current_ + 1) % slots_.size();
  Slot& slot = slots_.at(current_);
  if (slot.arrived->was_marked_for_recording()) slot.arrived->synchronize();  // its pinned memory is free again
  slot.used->block(*stream_);
  TokenBatch sent = batch;
  int64_t end = 0;
  for (const BatchTensor& tensor : kBatchTensors) {
    const at::Tensor& from = batch.*tensor.member;
    const auto bytes = static_cast<int64_t>(from.nbytes());
    STRATA_ASSERT(end + bytes <= slot.host.numel());
    if (bytes > 0) std::memcpy(slot.host.mutable_data_ptr<uint8_t>() + end, from.const_data_ptr(), from.nbytes());
    sent.*tensor.member = slot.device.narrow(0, end, bytes).view(from.scalar_type());
    end += aligned(bytes);
  }
  {
    const c10::StreamGuard guard(*stream_);
    slot.device.narrow(0, 0, end).copy_(slot.host.narrow(0, 0, end), /*non_blocking=*/true);
    slot.arrived->record(*stream_);
  }
  slot.arrived->block(current);
  return sent;
}

}  // namespace strata::data
