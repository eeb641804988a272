#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace strata {

enum class MemoryClass {
  kParameters,
  kComputeCopy,  // of the parameters, in bf16
  kGradients,
  kPartialSums,  // of gradients, of the virtual ranks that a worker hosts
  kMoments,
  kActivations,  // from forward to backward
  kLossChunk,
  kAttentionWorkspace,
  kWorkspace,
  kCheckpointCopy
};
inline constexpr MemoryClass kMemoryClasses[] = {
    MemoryClass::kParameters, MemoryClass::kComputeCopy,   MemoryClass::kGradients, MemoryClass::kPartialSums,
    MemoryClass::kMoments,    MemoryClass::kActivations,   MemoryClass::kLossChunk, MemoryClass::kAttentionWorkspace,
    MemoryClass::kWorkspace,  MemoryClass::kCheckpointCopy};
const char* name_of(MemoryClass memory_class);

/// Gives out every large buffer of a run and writes down what it gave: the memory plan. What checkpoints are written
/// from lies in the host's memory, everything else on the device.
/// On the device `meta` it hands out tensors without memory, so a plan is made by the code that will allocate it.
class Allocator {
 public:
  struct Buffer {
    MemoryClass memory_class;
    std::string name;
    int64_t bytes;
  };

  explicit Allocator(at::Device device) : device_(device), device_type_(device.type()) {}

  /// Takes no memory; buffers are those that a run on such a device would have.
  static Allocator planning(at::DeviceType device_type = at::kCPU);

  /// Zeroed, so that its pages are there before the first step.
  at::Tensor zeros(MemoryClass memory_class, const std::string& name, at::IntArrayRef shape, at::ScalarType dtype);

  /// Not zeroed: its pages come when they are first written.
  at::Tensor untouched(MemoryClass memory_class, const std::string& name, at::IntArrayRef shape, at::ScalarType dtype);

  /// Writes down what a library takes by itself.
  void count(MemoryClass memory_class, const std::string& name, int64_t bytes) {
    if (bytes > 0) buffers_.push_back({memory_class, name, bytes});
  }

  bool is_planning() const { return device_.is_meta(); }
  /// Where the run computes: also of a plan.
  at::DeviceType device_type() const { return device_type_; }
  const std::vector<Buffer>& buffers() const { return buffers_; }
  int64_t bytes(MemoryClass memory_class) const;
  int64_t total_bytes() const;
  bool is_on_host(MemoryClass memory_class) const {
    return device_type_ != at::kCPU && memory_class == MemoryClass::kCheckpointCopy;
  }
  /// Of the total, what lies in the host's memory beside a device that has its own.
  int64_t host_bytes() const {
    return is_on_host(MemoryClass::kCheckpointCopy) ? bytes(MemoryClass::kCheckpointCopy) : 0;
  }
  int64_t device_bytes() const { return total_bytes() - host_bytes(); }

 private:
  at::Device device_;
  at::DeviceType device_type_;
  std::vector<Buffer> buffers_;
};

}  // namespace strata
