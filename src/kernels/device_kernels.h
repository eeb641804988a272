// Strata's kernels on a device: raw pointers into its memory, nothing of torch. The public headers of kernels/ say what
// each computes. Every call is asynchronous, on the current stream.
#pragma once

#include <cstdint>

#include "adam.inl"
#include "ademamix.inl"
#include "junction.inl"
#include "junction_sums.h"
#include "lion.inl"
#include "muon.inl"
#include "qkv_norm.inl"
#include "rotary.inl"
#include "strata/kernels/clip.h"

namespace strata::kernels {

/// A junction as kernels take it: the arrays' first rows, how many there are, and which norms. only_rms: all are
/// RMSNorms, but that the branch may be scaled.
struct JunctionShape {
  int64_t rows;
  bool branch_norm, out_norm;
  bool only_rms;
};

/// Rows of `stride` elements: queries, then keys, then values of a token.
template <class T>
struct AttentionArrays {
  int64_t heads, kv_heads, head_dim;
  int64_t tokens, rows, longest_row;
  const int32_t* row_starts;  // [rows + 1]
  const T* qkv;               // [tokens, stride]
  int64_t stride;
  T* out;          // [tokens, heads, head_dim]
  float* log_sum;  // [heads, tokens]
};

template <class T>
struct AttentionGradients {
  const T* grad_out;  // [tokens, heads, head_dim]
  float* delta;       // [heads, tokens]: workspace
  float* grad_query;  // [tokens, heads, head_dim]: workspace
  T* qkv_gradient;    // qkv again: its values are replaced
};

class DeviceKernels {
 public:
  virtual ~DeviceKernels() = default;

  virtual void gather_rows(Array out, Array table, const int64_t* rows, int64_t count, int64_t width) const = 0;
  virtual void scatter_rows(Array out, Array values, const int64_t* rows, int64_t count, int64_t width) const = 0;
  virtual void embedding_backward(Array grad_table, Array grad, const int64_t* ids, const int64_t* by_id,
                                  int64_t tokens, int64_t width) const = 0;

  /// The first `heads` heads of rows that are `stride` elements apart.
  virtual void rotate(Array rows, int64_t tokens, int64_t stride, int64_t heads, const Angles& angles,
                      float sign) const = 0;
  virtual void store_rotated_back(const QkvGradientRows<float>& gradients, int64_t tokens) const = 0;
  virtual void store_rotated_back(const QkvGradientRows<Bf16>& gradients, int64_t tokens) const = 0;

  /// gain_gradients: of the parts; what is nullptr is not wanted. partial_sums: of qkv_norm_scratch_size.
  virtual void qkv_norm(const QkvNormRows<float>& rows, int64_t tokens) const = 0;
  virtual void qkv_norm(const QkvNormRows<Bf16>& rows, int64_t tokens) const = 0;
  virtual void qkv_norm_backward(const QkvNormRows<float>& rows, const QkvGradientRows<float>& gradients,
                                 int64_t tokens, const Array* gain_gradients, float* partial_sums) const = 0;
  virtual void qkv_norm_backward(const QkvNormRows<Bf16>& rows, const QkvGradientRows<Bf16>& gradients, int64_t tokens,
                                 const Array* gain_gradients, float* partial_sums) const = 0;

  virtual void swiglu(Array out, Array gate_up, int64_t rows, int64_t width) const = 0;
  virtual void swiglu_backward(Array gate_up, Array grad_out, int64_t rows, int64_t width) const = 0;

  /// apart: elements from one row's begin to the next. scale: nullptr: the losses alone.
  virtual void cross_entropy(float* loss, Array logits, int64_t apart, int64_t rows, int64_t classes,
                             const int64_t* targets, const double* scale) const = 0;

  /// rule.gradient_scale is replaced by *factor; nothing is changed where *apply is 0.
  virtual void update(const ArenaPointers<float, AdamRule::kStates>& arrays, const AdamRule& rule, bool stochastic,
                      const double* factor, const double* apply) const = 0;
  virtual void update(const ArenaPointers<Bf16, AdamRule::kStates>& arrays, const AdamRule& rule, bool stochastic,
                      const double* factor, const double* apply) const = 0;
  virtual void update(const ArenaPointers<float, AdemamixRule::kStates>& arrays, const AdemamixRule& rule,
                      bool stochastic, const double* factor, const double* apply) const = 0;
  virtual void update(const ArenaPointers<Bf16, AdemamixRule::kStates>& arrays, const AdemamixRule& rule,
                      bool stochastic, const double* factor, const double* apply) const = 0;
  virtual void update(const ArenaPointers<float, LionRule::kStates>& arrays, const LionRule& rule, bool stochastic,
                      const double* factor, const double* apply) const = 0;
  virtual void update(const ArenaPointers<Bf16, LionRule::kStates>& arrays, const LionRule& rule, bool stochastic,
                      const double* factor, const double* apply) const = 0;

  /// Of `count` elements, the first of which is number `first` of the arena of values. Likewise.
  virtual void muon_momentum(Array out, Array gradient, Array m, int64_t first, int64_t count,
                             const MomentumNumbers& numbers, bool stochastic, const double* factor,
                             const double* apply) const = 0;
  virtual void muon_step(Array value, Array copy, Array orthogonal, int64_t first, int64_t count,
                         const StepNumbers& numbers, bool stochastic, const double* apply) const = 0;
  virtual void divide_by_norm(Array x, const double* square, const DivisorNumbers& numbers, int64_t count) const = 0;
  /// squared, gram: [width, width].
  virtual void matrix_polynomial(Array squared, Array gram, const PolynomialNumbers& numbers, int64_t width) const = 0;

  /// blocks: [count, 2].
  virtual void sums_of_squares(float* squares, Array flat, const int64_t* blocks, int64_t count) const = 0;
  virtual void values_at(float* values, Array flat, const int64_t* places, int64_t count) const = 0;
  virtual void add_sum(double* total, const float* values, int64_t count, const double* scale) const = 0;
  virtual void add_rows(double* sums, const float* rows, int64_t count, int64_t columns) const = 0;
  virtual void sums_of_runs(double* sums, const float* values, const int64_t* starts, int64_t runs) const = 0;
  virtual void clip(double* outcome, const ClipRule& rule, const double* loss, const double* squares,
                    const bool* is_gate, int64_t count) const = 0;

  virtual void junction_forward(const JunctionForwardRow<float>& first, const JunctionScales& scales,
                                const JunctionShape& shape) const = 0;
  virtual void junction_forward(const JunctionForwardRow<Bf16>& first, const JunctionScales& scales,
                                const JunctionShape& shape) const = 0;
  virtual void junction_backward(const JunctionBackwardRow<float>& first, const JunctionScales& scales,
                                 const JunctionShape& shape, const JunctionGradientArrays& gradients) const = 0;
  virtual void junction_backward(const JunctionBackwardRow<Bf16>& first, const JunctionScales& scales,
                                 const JunctionShape& shape, const JunctionGradientArrays& gradients) const = 0;

  virtual void attention_forward(const AttentionArrays<float>& arrays) const = 0;
  virtual void attention_forward(const AttentionArrays<Bf16>& arrays) const = 0;
  virtual void attention_backward(const AttentionArrays<float>& arrays,
                                  const AttentionGradients<float>& grads) const = 0;
  virtual void attention_backward(const AttentionArrays<Bf16>& arrays, const AttentionGradients<Bf16>& grads) const = 0;
};

}  // namespace strata::kernels
