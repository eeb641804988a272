#include "strata/base/allocator.h"

#include <ATen/ops/empty.h>
#include <sys/mman.h>

#include <memory>

#include "strata/base/arena_operations.h"
#include "strata/base/pinned_memory.h"

namespace strata {
namespace {

// A large run touches gigabytes before its first step: in pages of 2 MB that takes a fraction of the time.
void ask_for_huge_pages(const at::Tensor& tensor) {
  constexpr size_t kHugePage = 2 << 20;
  void* begin = tensor.data_ptr();
  size_t space = tensor.nbytes();
  if (std::align(kHugePage, kHugePage, begin, space) == nullptr) return;
  madvise(begin, space / kHugePage * kHugePage, MADV_HUGEPAGE);  // a hint: it may be refused
}

}  // namespace

const char* name_of(MemoryClass memory_class) {
  switch (memory_class) {
    case MemoryClass::kParameters:
      return "parameters";
    case MemoryClass::kComputeCopy:
      return "compute copy";
    case MemoryClass::kGradients:
      return "gradients";
    case MemoryClass::kPartialSums:
      return "partial sums";
    case MemoryClass::kMoments:
      return "moments";
    case MemoryClass::kActivations:
      return "activations";
    case MemoryClass::kLossChunk:
      return "loss chunk";
    case MemoryClass::kAttentionWorkspace:
      return "attention workspace";
    case MemoryClass::kWorkspace:
      return "workspace";
    case MemoryClass::kCheckpointCopy:
      return "checkpoint copy";
  }
  return "";
}

Allocator Allocator::planning(at::DeviceType device_type) {
  Allocator plan{at::Device(at::kMeta)};
  plan.device_type_ = device_type;
  return plan;
}

at::Tensor Allocator::zeros(MemoryClass memory_class, const std::string& name, at::IntArrayRef shape,
                            at::ScalarType dtype) {
  return zero_arena(untouched(memory_class, name, shape, dtype));
}

at::Tensor Allocator::untouched(MemoryClass memory_class, const std::string& name, at::IntArrayRef shape,
                                at::ScalarType dtype) {
  const bool on_host = !is_planning() && is_on_host(memory_class);
  const at::Tensor tensor = on_host ? pinned_memory(shape, dtype) : at::empty(shape, at::dtype(dtype).device(device_));
  if (device_.is_cpu()) ask_for_huge_pages(tensor);
  buffers_.push_back({memory_class, name, static_cast<int64_t>(tensor.nbytes())});
  return tensor;
}

int64_t Allocator::bytes(MemoryClass memory_class) const {
  int64_t total = 0;
  for (const Buffer& buffer : buffers_) total += buffer.memory_class == memory_class ? buffer.bytes : 0;
  return total;
}

int64_t Allocator::total_bytes() const {
  int64_t total = 0;
  for (const Buffer& buffer : buffers_) total += buffer.bytes;
  return total;
}

}  // namespace strata
