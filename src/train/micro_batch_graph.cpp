#include "strata/train/micro_batch_graph.h"

#include <ATen/TensorOperators.h>

namespace strata::train {

MicroBatchGraph::MicroBatchGraph(nn::Model& model, std::unique_ptr<kernels::CudaGraph> graph)
    : model_(model), graph_(std::move(graph)) {}

bool MicroBatchGraph::fits(const data::TokenBatch& batch) const {
  for (const data::BatchTensor& tensor : data::kBatchTensors) {
    if ((batch.*tensor.member).sizes() != (batch_.*tensor.member).sizes()) return false;
  }
  return batch.longest_row == batch_.longest_row;
}

void MicroBatchGraph::add_loss_and_gradients(const at::Tensor& loss, const data::TokenBatch& batch,
                                             const at::Tensor& scale) {
  const bool is_first = !loss_.defined();
  if (is_first) {
    batch_ = batch;
    for (const data::BatchTensor& tensor : data::kBatchTensors) batch_.*tensor.member = (batch.*tensor.member).clone();
    scale_ = scale.clone();
    loss_ = loss.clone();
  }
  if (is_first || !fits(batch)) return model_.add_loss_and_gradients(loss, batch, scale);
  for (const data::BatchTensor& tensor : data::kBatchTensors) (batch_.*tensor.member).copy_(batch.*tensor.member);
  batch_.row_starts = batch.row_starts;
  scale_.copy_(scale);
  loss_.zero_();
  model_.await_parameters();
  if (!is_captured_) graph_->capture([this] { run(); });
  is_captured_ = true;
  graph_->replay();
  loss.add_(loss_);
}

}  // namespace strata::train
