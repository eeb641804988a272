#pragma once

#include <ATen/core/Tensor.h>

namespace strata::kernels {

/// Squared ReLU (Primer, arXiv 2109.08668): out = max(x, 0)^2. x_NF, out_NF: contiguous, fp32 or bf16, of one dtype.
/// Arithmetic in fp32, one rounding per stored value. Asynchronous on a device.
void squared_relu(const at::Tensor& out_NF, const at::Tensor& x_NF);

/// dL/dx in place of dL/dout:  grad <- 2 max(x, 0) grad.
void squared_relu_backward_in_place(const at::Tensor& grad_NF, const at::Tensor& x_NF);

}  // namespace strata::kernels
