#pragma once

#include <ATen/core/Tensor.h>

namespace strata::kernels {

/// SwiGLU (arXiv 2002.05202): out = silu(gate) * up. gate_up_N2F: gate in the first F columns, up in the rest.
void swiglu(const at::Tensor& out_NF, const at::Tensor& gate_up_N2F);

/// Gradient of gate and up in place of their values; the forward's output again in place of its gradient, since the
/// down projection's weight gradient needs it next.
void swiglu_backward_in_place(const at::Tensor& gate_up_N2F, const at::Tensor& grad_out_NF);

}  // namespace strata::kernels
