#pragma once

#include <ATen/core/Tensor.h>

namespace strata::kernels {

/// dL/dlogits in place of logits, and the loss of every row, in one pass.
///
/// logits_RV: fp32 or bf16, overwritten; rows are contiguous, and may lie further apart than they are long. targets_R:
/// int64, a class; below 0 there is none, and loss and gradient are 0 whatever the logits are. scale: 0-dim fp64,
/// multiplies the gradient (1 / targets in the global batch). loss_R: fp32, unscaled -log softmax(logits)[target]. Sums
/// are fp32 in a fixed order.
void cross_entropy_in_place(const at::Tensor& loss_R, const at::Tensor& logits_RV, const at::Tensor& targets_R,
                            const at::Tensor& scale);

/// The loss alone; logits stay as they are.
void cross_entropy(const at::Tensor& loss_R, const at::Tensor& logits_RV, const at::Tensor& targets_R);

}  // namespace strata::kernels
