#include "strata/nn/model.h"

#include <ATen/ops/full.h>

#include <algorithm>

#include "strata/base/check.h"

namespace strata::nn {

namespace {

// Of a micro-batch, padding included.
int64_t max_tokens(const config::RunConfig& config, at::DeviceType device) {
  const int64_t multiple = batch_shape_for(config, device).token_multiple;
  const int64_t tokens = config.train.micro_batch * config.data.sequence_length;
  return (tokens + multiple - 1) / multiple * multiple;
}

}  // namespace

data::BatchShape batch_shape_for(const config::RunConfig& config, at::DeviceType device) {
  constexpr int64_t kTile = 128;
  constexpr int64_t kShortDocument = 16;  // tokens that documents have on average at least, in packed rows
  data::BatchShape shape{.token_multiple = config.train.token_multiple};
  if (shape.token_multiple == 0) shape.token_multiple = device == at::kCPU ? 1 : kTile;
  if (!config.train.cuda_graph) return shape;
  const bool by_document = config.data.packed_attention == config::PackedAttention::kDocument;
  const int64_t length = config.data.sequence_length;
  shape.fixed_longest = length;
  shape.fixed_rows = config.train.micro_batch * (by_document ? std::max<int64_t>(length / kShortDocument, 1) : 1) + 1;
  return shape;
}

ModelOptions options_for(const config::RunConfig& config, at::DeviceType device) {
  const bool is_auto = config.train.precision == config::Precision::kAuto;
  const auto suits = device == at::kCPU ? config::Precision::kFp32 : config::Precision::kMixed;
  return {.precision = is_auto ? suits : config.train.precision,
          .limits = {.max_tokens = max_tokens(config, device),
                     .longest_row = config.data.sequence_length,
                     .trees = device == at::kCPU && !config.evaluate.tasks.names.empty()},
          .loss_chunk = config.train.loss_chunk,
          .recompute = config.train.recompute};
}

Model::Model(const ModelSpec& spec, const ModelOptions& options, const kernels::Gemm& gemm, Allocator& allocator)
    : spec_(spec),
      gemm_(gemm),
      parameters_(spec, options.precision, allocator, options.gradients),
      decoder_(spec, parameters_, options.limits, options.recompute, allocator),
      head_(spec, parameters_, options.limits.max_tokens, options.loss_chunk, allocator),
      upload_(parameters_.master().device(), options.limits.max_tokens, allocator) {
  STRATA_ASSERT(options.precision != config::Precision::kAuto && options.recompute != config::Recompute::kAuto);
}

void Model::set_trained(ParameterLayout trained) {
  parameters_.set_trained(std::move(trained));
  decoder_.bind_gradients(parameters_);
}

Engine Model::forward(const data::TokenBatch& batch, const LayerObserver& observe) {
  const Engine engine = this->engine();
  decoder_.forward(engine, batch, observe);
  engine.enter_section(spec_.layout.sections.back());
  return engine;
}

void Model::add_gradients(const data::TokenBatch& batch, const at::Tensor& scale, const FinalGradients& when_final) {
  const Engine engine = forward(batch);
  const int64_t tokens = batch.num_tokens();
  head_.losses_and_gradient(engine, batch, decoder_.output_ND(tokens), scale, decoder_.grad_output_ND(tokens));
  if (when_final) when_final(parameters_.trained().sections.back());
  decoder_.backward(engine, batch, when_final);
}

void Model::add_loss_and_gradients(const data::TokenBatch& batch, const at::Tensor& scale, const at::Tensor& loss,
                                   const FinalGradients& when_final) {
  add_gradients(batch, scale, when_final);
  head_.add_losses(batch, scale, loss);
}

void Model::add_loss(const data::TokenBatch& batch, const at::Tensor& loss) {
  head_.losses(forward(batch), batch, decoder_.output_ND(batch.num_tokens()));
  head_.add_losses(batch, {}, loss);
}

at::Tensor Model::number(double value) const {
  return at::full({}, value, parameters_.master().options().dtype(at::kDouble));
}

double Model::loss_and_gradients(const data::TokenBatch& batch, double scale, const FinalGradients& when_final) {
  const at::Tensor loss = number(0.0);
  add_gradients(batch, number(scale), when_final);
  head_.add_losses(batch, {}, loss);
  return loss.item<double>();
}

double Model::loss(const data::TokenBatch& batch) {
  const at::Tensor loss = number(0.0);
  add_loss(batch, loss);
  return loss.item<double>();
}

at::Tensor Model::losses_T(const data::TokenBatch& batch) {
  head_.losses(forward(batch), batch, decoder_.output_ND(batch.num_tokens()));
  return head_.losses_T(batch.num_scored()).cpu();
}

at::Tensor Model::last_logits_RV(const data::TokenBatch& batch) {
  const Engine engine = forward(batch);
  const at::Tensor ends_R = batch.row_starts_R1.narrow(0, 1, batch.num_rows()).sub(1);
  return head_.logits_NV(engine, decoder_.output_ND(batch.num_tokens()).index_select(0, ends_R));
}

at::Tensor Model::logits_NV(const data::TokenBatch& batch, const LayerObserver& observe) {
  return head_.logits_NV(forward(batch, observe), decoder_.output_ND(batch.num_tokens()));
}

}  // namespace strata::nn
