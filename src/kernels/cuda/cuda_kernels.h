// Strata's kernels as CUDA launches. Sources of nvcc, and of the host's compiler in tests.
#pragma once

#include "kernels/device_kernels.h"

namespace strata::kernels::cuda {

/// cudaStream_t.
using Stream = void*;

class CudaKernels final : public DeviceKernels {
 public:
  /// current_stream: asked at every launch.
  explicit CudaKernels(Stream (*current_stream)()) : current_stream_(current_stream) {}

  void gather_rows(Array out, Array table, const int64_t* rows, int64_t count, int64_t width) const override;
  void scatter_rows(Array out, Array values, const int64_t* rows, int64_t count, int64_t width) const override;
  void embedding_backward(Array grad_table, Array grad, const int64_t* ids, const int64_t* by_id, int64_t tokens,
                          int64_t width) const override;
  void rotate(Array rows, int64_t tokens, int64_t stride, int64_t heads, const Angles& angles,
              float sign) const override;
  void store_rotated_back(const QkvGradientRows<float>& gradients, int64_t tokens) const override;
  void store_rotated_back(const QkvGradientRows<Bf16>& gradients, int64_t tokens) const override;
  void qkv_norm(const QkvNormRows<float>& rows, int64_t tokens) const override;
  void qkv_norm(const QkvNormRows<Bf16>& rows, int64_t tokens) const override;
  void qkv_norm_backward(const QkvNormRows<float>& rows, const QkvGradientRows<float>& gradients, int64_t tokens,
                         const Array* gain_gradients, float* partial_sums) const override;
  void qkv_norm_backward(const QkvNormRows<Bf16>& rows, const QkvGradientRows<Bf16>& gradients, int64_t tokens,
                         const Array* gain_gradients, float* partial_sums) const override;
  void swiglu(Array out, Array gate_up, int64_t rows, int64_t width) const override;
  void swiglu_backward(Array gate_up, Array grad_out, int64_t rows, int64_t width) const override;
  void cross_entropy(float* loss, Array logits, int64_t apart, int64_t rows, int64_t classes, const int64_t* targets,
                     const double* scale) const override;
  void update(const ArenaPointers<float, AdamRule::kStates>& arrays, const AdamRule& rule, bool stochastic,
              const double* factor, const double* apply) const override;
  void update(const ArenaPointers<Bf16, AdamRule::kStates>& arrays, const AdamRule& rule, bool stochastic,
              const double* factor, const double* apply) const override;
  void update(const ArenaPointers<float, AdemamixRule::kStates>& arrays, const AdemamixRule& rule, bool stochastic,
              const double* factor, const double* apply) const override;
  void update(const ArenaPointers<Bf16, AdemamixRule::kStates>& arrays, const AdemamixRule& rule, bool stochastic,
              const double* factor, const double* apply) const override;
  void update(const ArenaPointers<float, LionRule::kStates>& arrays, const LionRule& rule, bool stochastic,
              const double* factor, const double* apply) const override;
  void update(const ArenaPointers<Bf16, LionRule::kStates>& arrays, const LionRule& rule, bool stochastic,
              const double* factor, const double* apply) const override;
  void muon_momentum(Array out, Array gradient, Array m, int64_t first, int64_t count, const MomentumNumbers& numbers,
                     bool stochastic, const double* factor, const double* apply) const override;
  void muon_step(Array value, Array copy, Array orthogonal, int64_t first, int64_t count, const StepNumbers& numbers,
                 bool stochastic, const double* apply) const override;
  void divide_by_norm(Array x, const double* square, const DivisorNumbers& numbers, int64_t count) const override;
  void matrix_polynomial(Array squared, Array gram, const PolynomialNumbers& numbers, int64_t width) const override;
  void sums_of_squares(float* squares, Array flat, const int64_t* blocks, int64_t count) const override;
  void values_at(float* values, Array flat, const int64_t* places, int64_t count) const override;
  void add_sum(double* total, const float* values, int64_t count, const double* scale) const override;
  void add_rows(double* sums, const float* rows, int64_t count, int64_t columns) const override;
  void sums_of_runs(double* sums, const float* values, const int64_t* starts, int64_t runs) const override;
  void clip(double* outcome, const ClipRule& rule, const double* loss, const double* squares, const bool* is_gate,
            int64_t count) const override;
  void junction_forward(const JunctionForwardRow<float>& first, const JunctionScales& scales,
                        const JunctionShape& shape) const override;
  void junction_forward(const JunctionForwardRow<Bf16>& first, const JunctionScales& scales,
                        const JunctionShape& shape) const override;
  void junction_backward(const JunctionBackwardRow<float>& first, const JunctionScales& scales,
                         const JunctionShape& shape, const JunctionGradientArrays& gradients) const override;
  void junction_backward(const JunctionBackwardRow<Bf16>& first, const JunctionScales& scales,
                         const JunctionShape& shape, const JunctionGradientArrays& gradients) const override;
  void attention_forward(const AttentionArrays<float>& arrays) const override;
  void attention_forward(const AttentionArrays<Bf16>& arrays) const override;
  void attention_backward(const AttentionArrays<float>& arrays, const AttentionGradients<float>& grads) const override;
  void attention_backward(const AttentionArrays<Bf16>& arrays, const AttentionGradients<Bf16>& grads) const override;

 private:
  Stream stream() const { return current_stream_(); }

  Stream (*current_stream_)();
};

}  // namespace strata::kernels::cuda
