#include "strata/base/allocator.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

namespace strata {

const char* name_of(MemoryClass memory_class) {
  switch (memory_class) {
    case MemoryClass::kParameters:
      return "parameters";
    case MemoryClass::kGradients:
      return "gradients";
    case MemoryClass::kMoments:
      return "moments";
    case MemoryClass::kActivations:
      return "activations";
    case MemoryClass::kLossChunk:
      return "loss chunk";
    case MemoryClass::kWorkspace:
      return "workspace";
    case MemoryClass::kCheckpointCopy:
      return "checkpoint copy";
  }
  return "";
}

at::Tensor Allocator::zeros(MemoryClass memory_class, const std::string& name, at::IntArrayRef shape,
                            at::ScalarType dtype) {
  return noted(memory_class, name, at::zeros(shape, at::TensorOptions().dtype(dtype).device(device_)));
}

at::Tensor Allocator::untouched(MemoryClass memory_class, const std::string& name, at::IntArrayRef shape,
                                at::ScalarType dtype) {
  return noted(memory_class, name, at::empty(shape, at::TensorOptions().dtype(dtype).device(device_)));
}

at::Tensor Allocator::noted(MemoryClass memory_class, const std::string& name, at::Tensor tensor) {
  buffers_.push_back({memory_class, name, tensor.numel() * static_cast<int64_t>(tensor.element_size())});
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
