#pragma once

#include <memory>

#include "nn/engine.h"
#include "strata/nn/parameters.h"

namespace strata::nn {

/// Buffers of one junction. Some are the same memory, where one holds what another would; homes_of decides.
struct JunctionBuffers {
  at::Tensor sum_ND;         // s before gate and norm
  at::Tensor stream_ND;      // x'
  at::Tensor normed_ND;      // n
  at::Tensor branch_ND;      // f
  at::Tensor statistics_3N;  // 1 / rms of branch, out and next norm, fp32
  at::Tensor row_sums_N2;    // sums of x' and x'^2 over each row, fp32
  bool normed_is_stream = false;

  /// The first N rows of everything.
  JunctionBuffers first(int64_t tokens) const;
};

/// A junction of the model, on its own parameters and buffers.
class Junction {
 public:
  explicit Junction(JunctionBuffers buffers) : buffers_(std::move(buffers)) {}
  virtual ~Junction() = default;

  const JunctionBuffers& buffers() const { return buffers_; }

  /// Its parameters' gradients are where the parameters have them now; what is frozen has none.
  virtual void bind_gradients(const Parameters& parameters) = 0;

  /// stream_ND: x, [N, D]. Reads f from buffers().branch_ND unless `at_entry`.
  virtual void forward(const Engine& engine, const at::Tensor& stream_ND, bool at_entry = false) = 0;

  /// grad_branch_ND: dL/df, written. grad_stream_ND: dL/dx' becomes dL/dx. stream_ND: the x of forward.
  /// grad_normed_ND: dL/dn.
  virtual void backward(const at::Tensor& grad_branch_ND, const at::Tensor& grad_stream_ND, const Engine& engine,
                        const at::Tensor& stream_ND, const at::Tensor& grad_normed_ND) = 0;

 private:
  JunctionBuffers buffers_;
};

/// norm/junction.h's equation in one kernel each way, or the scheme's own function under autograd.
/// branch_scale: where what multiplies the branch stands, fp32 []; undefined: it is 1. scratch: of
/// kernels::junction_scratch_size.
std::unique_ptr<Junction> make_junction(const Parameters& parameters, const ModelSpec& spec,
                                        const norm::WiredJunction& wired, const JunctionBuffers& buffers,
                                        const at::Tensor& branch_scale, const at::Tensor& scratch);

}  // namespace strata::nn
