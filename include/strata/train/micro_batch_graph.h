#pragma once

#include <memory>

#include "strata/kernels/cuda.h"
#include "strata/nn/model.h"

namespace strata::train {

/// Loss and gradients of micro-batches as one CUDA graph: a launch in place of hundreds. The first batch is computed
/// as ever, the second recorded; later ones of the same shape (data::BatchShape::fixed_rows) are copied to where the
/// recorded work finds them. Others are computed as ever. The model's code knows nothing of it.
class MicroBatchGraph {
 public:
  /// The model must outlive it.
  MicroBatchGraph(nn::Model& model, std::unique_ptr<kernels::CudaGraph> graph);

  /// As Model::add_loss_and_gradients, of gradients that nobody waits for.
  void add_loss_and_gradients(const at::Tensor& loss, const data::TokenBatch& batch, const at::Tensor& scale);

 private:
  bool fits(const data::TokenBatch& batch) const;
  void run() { model_.add_loss_and_gradients(loss_, batch_, scale_); }

  nn::Model& model_;
  std::unique_ptr<kernels::CudaGraph> graph_;
  bool is_captured_ = false;
  data::TokenBatch batch_;  // where the recorded work finds its input, and leaves its loss
  at::Tensor scale_, loss_;
};

}  // namespace strata::train
