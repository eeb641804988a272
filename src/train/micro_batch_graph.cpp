#include "strata/train/micro_batch_graph.h"

#include <ATen/TensorOperators.h>

namespace strata::train {
namespace {

// What of a batch lies on the device.
constexpr at::Tensor data::TokenBatch::*kTensors[] = {
    &data::TokenBatch::tokens_N,      &data::TokenBatch::targets_T,        &data::TokenBatch::positions_N,
    &data::TokenBatch::row_starts_R1, &data::TokenBatch::loss_positions_T, &data::TokenBatch::by_id_N};

}  // namespace

MicroBatchGraph::MicroBatchGraph(nn::Model& model, std::unique_ptr<kernels::CudaGraph> graph)
    : model_(model), graph_(std::move(graph)) {}

bool MicroBatchGraph::fits(const data::TokenBatch& batch) const {
  for (const auto tensor : kTensors) {
    if ((batch.*tensor).sizes() != (batch_.*tensor).sizes()) return false;
  }
  return batch.longest_row == batch_.longest_row;
}

void MicroBatchGraph::add_loss_and_gradients(const at::Tensor& loss, const data::TokenBatch& batch,
                                             const at::Tensor& scale) {
  const bool is_first = !loss_.defined();
  if (is_first) {
    batch_ = batch;
    for (const auto tensor : kTensors) batch_.*tensor = (batch.*tensor).clone();
    scale_ = scale.clone();
    loss_ = loss.clone();
  }
  if (is_first || !fits(batch)) return model_.add_loss_and_gradients(loss, batch, scale);
  for (const auto tensor : kTensors) (batch_.*tensor).copy_(batch.*tensor);
  batch_.row_starts = batch.row_starts;
  scale_.copy_(scale);
  loss_.zero_();
  if (!is_captured_) graph_->capture([this] { run(); });
  is_captured_ = true;
  graph_->replay();
  loss.add_(loss_);
}

}  // namespace strata::train
