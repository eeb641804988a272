#include "strata/nn/model.h"

#include <ATen/ops/full.h>

#include "strata/base/check.h"

namespace strata::nn {

ModelOptions options_for(const config::RunConfig& config, at::DeviceType device) {
  const bool is_auto = config.train.precision == config::Precision::kAuto;
  const auto suits = device == at::kCPU ? config::Precision::kFp32 : config::Precision::kMixed;
  return {.precision = is_auto ? suits : config.train.precision,
          .limits = {.max_tokens = config.train.micro_batch * config.data.sequence_length,
                     .longest_row = config.data.sequence_length},
          .loss_chunk = config.train.loss_chunk,
          .recompute = config.train.recompute};
}

Model::Model(const ModelSpec& spec, const ModelOptions& options, const kernels::Gemm& gemm, Allocator& allocator)
    : spec_(spec),
      gemm_(gemm),
      parameters_(spec.layout, options.precision, allocator, options.gradients),
      decoder_(spec, parameters_, options.limits, options.recompute, allocator),
      head_(spec, parameters_, options.limits.max_tokens, options.loss_chunk, allocator) {
  STRATA_ASSERT(options.precision != config::Precision::kAuto && options.recompute != config::Recompute::kAuto);
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
  if (when_final) when_final(spec_.layout.sections.back());
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

at::Tensor Model::logits_NV(const data::TokenBatch& batch, const LayerObserver& observe) {
  return head_.logits_NV(forward(batch, observe), decoder_.output_ND(batch.num_tokens()));
}

}  // namespace strata::nn
