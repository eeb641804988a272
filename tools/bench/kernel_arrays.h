#pragma once

#include <ATen/ops/zeros.h>

#include "kernel_cases.h"
#include "strata/data/token_batch.h"

namespace strata::tools {

/// Makes a kernel's arrays, and adds up what has to move of them. They are noughts, which kernels keep and are not
/// faster on.
class KernelArrays {
 public:
  KernelArrays(const KernelSizes& sizes, at::ScalarType dtype)
      : options_(at::TensorOptions(sizes.device).dtype(dtype)) {}
  explicit KernelArrays(const KernelSizes& sizes) : KernelArrays(sizes, sizes.dtype) {}

  at::Tensor read(at::IntArrayRef shape) { return moved(make(shape), 1); }
  at::Tensor written(at::IntArrayRef shape) { return moved(make(shape), 1); }
  at::Tensor changed(at::IntArrayRef shape) { return moved(make(shape), 2); }
  at::Tensor read_fp32(at::IntArrayRef shape) { return moved(make(shape, at::kFloat), 1); }
  at::Tensor written_fp32(at::IntArrayRef shape) { return moved(make(shape, at::kFloat), 1); }
  /// What takes no time to move, or is counted otherwise.
  at::Tensor make(at::IntArrayRef shape) const { return at::zeros(shape, options_); }
  at::Tensor make(at::IntArrayRef shape, at::ScalarType dtype) const { return at::zeros(shape, options_.dtype(dtype)); }
  /// A copy on the kernel's device of what is read there.
  at::Tensor put(const at::Tensor& tensor) { return moved(tensor.to(options_.device()), 1); }

  void add_bytes(int64_t bytes) { bytes_ += static_cast<double>(bytes); }
  double bytes() const { return bytes_; }

 private:
  at::Tensor moved(at::Tensor tensor, int64_t times) {
    add_bytes(times * static_cast<int64_t>(tensor.nbytes()));
    return tensor;
  }

  at::TensorOptions options_;
  double bytes_ = 0.0;
};

/// Rows of random ids of these sizes, on the CPU.
data::TokenBatch random_batch(const KernelSizes& sizes);

/// "8192 x 1024"
std::string shape_text(at::IntArrayRef shape);

}  // namespace strata::tools
