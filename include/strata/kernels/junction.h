#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace strata::kernels {

/// Which value a gate multiplies (see norm/junction.h, which documents the equation that these kernels compute).
enum class GatePlace { kNone, kSum, kSkip, kBranch, kNorm };

/// The fixed numbers and the parameters of one junction. Undefined gains mean: no such norm.
///
///   s = skip_scale x + branch_norm(f)      x' = out_norm(s)      n = next_scale next_norm(x')
///
/// with the value named by `gate` multiplied by `factor`. Gains: [D], of the activations' dtype. factor: fp32 scalar.
struct JunctionRule {
  double skip_scale = 1.0;
  double next_scale = 1.0;
  double eps = 1e-6;
  GatePlace gate = GatePlace::kNone;
  bool stop_gradient = true;  // the gate's backward is 1; else it is `factor`
  at::Tensor branch_gain_D;
  at::Tensor out_gain_D;
  at::Tensor next_gain_D;
  at::Tensor factor;
};

/// What a junction's forward leaves behind for its backward. All fp32 [N] except sum_ND.
/// sum_ND is s before gate and norm; stream and sum may be the same memory where neither changes it.
struct JunctionSaved {
  at::Tensor sum_ND;
  at::Tensor branch_rstd_N;  // where there is a branch norm
  at::Tensor out_rstd_N;     // where there is an out norm
  at::Tensor next_rstd_N;    // where there is a next norm
};

/// stream_ND: x on entry of the previous junction's x', may be written in place by `stream_out`.
/// branch_ND undefined: s = skip_scale x (the entry of the model).
/// normed_ND undefined: nothing but x' is wanted, or n is x' itself.
/// row_sums_N2: fp32, the sums of x' and of its squares over each row. fp32 arithmetic, one rounding per stored value,
/// and as in Hugging Face's RMSNorm one after the normalisation. Bits do not depend on the number of threads.
void junction_forward(const JunctionRule& rule, const at::Tensor& stream_ND, const at::Tensor& branch_ND,
                      const JunctionSaved& saved, const at::Tensor& stream_out_ND, const at::Tensor& normed_ND,
                      const at::Tensor& row_sums_N2);

/// Gradients of a junction's parameters, added to what is there. Undefined where the rule has none, and where nobody
/// wants them.
struct JunctionGradients {
  at::Tensor branch_gain_D;
  at::Tensor out_gain_D;
  at::Tensor next_gain_D;
  at::Tensor gate;   // scalar: dL/dalpha
  at::Tensor slope;  // fp32 scalar: the activation's derivative at alpha
};

/// fp32 scratch for a junction's backward over at most `tokens` rows: elements needed.
int64_t junction_scratch_size(int64_t tokens, int64_t width);

/// grad_stream_ND: dL/dx' on entry, dL/dx after. grad_normed_ND: dL/dn, read only; undefined where n is x' itself and
/// its gradient is in grad_stream_ND already. grad_branch_ND: dL/df, written. branch_ND and stream_ND (the x that the
/// forward read) are only needed under a branch norm or a gate on them. Sums over rows have a fixed shape.
void junction_backward(const JunctionRule& rule, const JunctionSaved& saved, const at::Tensor& stream_ND,
                       const at::Tensor& branch_ND, const at::Tensor& grad_normed_ND, const at::Tensor& grad_stream_ND,
                       const at::Tensor& grad_branch_ND, const JunctionGradients& gradients, const at::Tensor& scratch);

}  // namespace strata::kernels
