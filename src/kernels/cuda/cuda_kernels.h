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

  void gather_rows(Array table, const int64_t* rows, Array out, int64_t count, int64_t width) const override;
  void scatter_rows(Array values, const int64_t* rows, Array out, int64_t count, int64_t width) const override;
  void embedding_backward(Array grad, const int64_t* ids, const int64_t* by_id, int64_t tokens, int64_t width,
                          Array grad_table) const override;
  void rotate(Array rows, int64_t tokens, int64_t stride, int64_t heads, int64_t half, const int32_t* positions,
              const float* cosine, const float* sine, float sign) const override;
  void swiglu(Array gate_up, Array out, int64_t rows, int64_t width) const override;
  void swiglu_backward(Array gate_up, Array grad_out, int64_t rows, int64_t width) const override;
  void cross_entropy(Array logits, int64_t rows, int64_t classes, const int64_t* targets, const double* scale,
                     float* loss) const override;
  void adam(const AdamNumbers& numbers, const AdamPointers<float>& arrays, bool stochastic, const double* factor,
            const double* apply) const override;
  void adam(const AdamNumbers& numbers, const AdamPointers<Bf16>& arrays, bool stochastic, const double* factor,
            const double* apply) const override;
  void sums_of_squares(Array flat, const int64_t* blocks, int64_t count, float* squares) const override;
  void values_at(Array flat, const int64_t* places, int64_t count, float* values) const override;
  void add_sum(const float* values, int64_t count, const double* scale, double* total) const override;
  void add_rows(const float* rows, int64_t count, int64_t columns, double* sums) const override;
  void sums_of_runs(const float* values, const int64_t* starts, int64_t runs, double* sums) const override;
  void clip(const ClipRule& rule, const double* loss, const double* squares, const bool* is_gate, int64_t count,
            double* outcome) const override;
  void gate_factors(Array alpha, int64_t count, GateActivation activation, float* factor, float* slope) const override;
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
