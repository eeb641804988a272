#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "strata/base/gate.h"
#include "strata/base/norm.h"

namespace strata::kernels {

/// 1 - act(alpha): the bits by which a junction multiplies.
float gate_factor(GateActivation activation, float alpha);

/// A norm (base/norm.h) and those of its parameters that its kind has, of the activations' dtype.
struct JunctionNorm {
  Norm kind = Norm::kNone;
  at::Tensor gain_D = {}, bias_D = {};
  at::Tensor alpha = {}, shift = {};  // [1]
};

/// The fixed numbers and the parameters of one junction.
///
///   s = skip_scale x + branch_scale branch_norm(f)      x' = out_norm(s)      n = next_scale next_norm(x')
///
/// with the value named by `gate` multiplied by 1 - act(alpha) (base/gate.h).
struct JunctionRule {
  double skip_scale = 1.0;
  double next_scale = 1.0;
  double eps = 1e-6;
  Gate gate = Gate::kNone;
  bool stop_gradient = true;  // dL/dh is dL/dy; else 1 - act(alpha) times that
  GateActivation activation = GateActivation::kSilu;
  JunctionNorm branch_norm = {};
  JunctionNorm out_norm = {};
  JunctionNorm next_norm = {};
  at::Tensor alpha = {};         // scalar, fp32 or bf16; undefined: no gate
  bool alpha_is_factor = false;  // the value named by `gate` is multiplied by alpha itself
  at::Tensor branch_scale = {};  // scalar, fp32, read when the junction is computed; undefined: 1
};

/// What a junction reads.
struct JunctionInputs {
  at::Tensor stream_ND;  // x
  at::Tensor branch_ND;  // f; undefined: s = skip_scale x (the entry of the model)
};

/// What junction_forward writes for what comes behind.
struct JunctionOutputs {
  at::Tensor stream_ND;    // x'; may be the memory of the input x
  at::Tensor normed_ND;    // n; undefined: nothing but x' is wanted, or n is x' itself
  at::Tensor row_sums_N2;  // fp32: the sums of x' and of its squares over each row
};

/// What junction_forward writes for junction_backward. All fp32 [N] except sum_ND.
struct JunctionSaved {
  at::Tensor sum_ND;         // s before gate and norm; may be the memory of the output x' where neither changes it
  at::Tensor branch_rstd_N;  // where there is a branch norm
  at::Tensor out_rstd_N;     // where there is an out norm
  at::Tensor next_rstd_N;    // where there is a next norm
};

/// fp32 arithmetic, one rounding per stored value, and as in Hugging Face's RMSNorm one after the normalisation. Bits
/// do not depend on the number of threads.
void junction_forward(const JunctionOutputs& out, const JunctionSaved& saved, const JunctionRule& rule,
                      const JunctionInputs& in);

/// Gradients of a junction's parameters, added to what is there. Undefined where the rule has none, and where nobody
/// wants them.
struct JunctionNormGradients {
  at::Tensor gain_D = {}, bias_D = {};
  at::Tensor alpha = {}, shift = {};
};
struct JunctionParameterGradients {
  JunctionNormGradients branch_norm = {}, out_norm = {}, next_norm = {};
  at::Tensor gate = {};  // scalar: dL/dalpha
};

/// What junction_backward writes.
struct JunctionGradients {
  at::Tensor stream_ND;  // dL/dx' on entry, dL/dx after
  at::Tensor branch_ND;  // dL/df
  JunctionParameterGradients parameters;
};

/// Whether all norms of a junction are RMSNorms, but that the branch may be scaled: it takes other sums then.
constexpr bool only_rms(Norm branch_norm, Norm out_norm, Norm next_norm) {
  const auto is_rms = [](Norm norm) { return norm == Norm::kNone || norm == Norm::kRms; };
  return (is_rms(branch_norm) || branch_norm == Norm::kScale) && is_rms(out_norm) && is_rms(next_norm);
}

/// fp32 scratch for a junction's backward over at most `tokens` rows: elements needed.
int64_t junction_scratch_size(int64_t tokens, int64_t width, bool only_rms = true);

/// in: what the forward read; branch_ND and stream_ND are only needed under a branch norm or a gate on them.
/// grad_normed_ND: dL/dn; undefined where n is x' itself and its gradient is in gradients.stream_ND already.
/// scratch: overwritten. Sums over rows have a fixed shape.
void junction_backward(const JunctionGradients& gradients, const at::Tensor& scratch, const JunctionRule& rule,
                       const JunctionSaved& saved, const JunctionInputs& in, const at::Tensor& grad_normed_ND);

}  // namespace strata::kernels
