#include "strata/nn/model.h"

#include <ATen/ops/full.h>

#include "nn/decoder.h"
#include "nn/head.h"
#include "strata/base/check.h"
#include "strata/data/batch_upload.h"

namespace strata::nn {

struct Model::Parts {
  const kernels::Gemm& gemm;
  Decoder decoder;
  Head head;
  data::BatchUpload upload;

  Engine engine(Model& model) const { return {gemm, model.clock_, model.before_section_}; }
  at::Tensor output_ND(const data::TokenBatch& batch) const { return decoder.output_ND(batch.num_tokens()); }
};

Model::Model(const ModelSpec& spec, const ModelOptions& options, const kernels::Gemm& gemm, Allocator& allocator)
    : spec_(spec),
      limits_(options.limits),
      parameters_(spec, options.precision, allocator, options.gradients, options.master_ranges),
      parts_(
          new Parts{.gemm = gemm,
                    .decoder = Decoder(spec, parameters_, options.limits, options.recompute, allocator),
                    .head = Head(spec, parameters_, options.limits.max_tokens, options.loss_chunk, allocator),
                    .upload = data::BatchUpload(parameters_.master().device(), options.limits.max_tokens, allocator)}) {
  STRATA_ASSERT(options.precision != config::Precision::kAuto && options.recompute != config::Recompute::kAuto);
}

Model::~Model() = default;

data::TokenBatch Model::upload(const data::TokenBatch& batch) { return parts_->upload.send(batch); }

void Model::set_trained(ParameterLayout trained) {
  parameters_.set_trained(std::move(trained));
  parts_->decoder.bind_gradients(parameters_);
}

void Model::set_update(int64_t update, const at::Tensor& by_way_of) {
  parts_->decoder.branch_scales().set_update(update, by_way_of);
}

const at::Tensor& Model::branch_scales() const { return parts_->decoder.branch_scales().values(); }

void Model::await_parameters() const {
  if (before_section_) before_section_({0, parameters_.values().numel()});
}

void Model::forward(const data::TokenBatch& batch, const LayerObserver& observe) {
  const Engine engine = parts_->engine(*this);
  parts_->decoder.forward(engine, batch, observe);
  engine.enter_section(spec_.layout.sections.back());
}

void Model::add_gradients(const data::TokenBatch& batch, const at::Tensor& scale, const FinalGradients& when_final) {
  forward(batch);
  const Engine engine = parts_->engine(*this);
  Decoder& decoder = parts_->decoder;
  parts_->head.losses_and_gradient(decoder.grad_output_ND(batch.num_tokens()), engine, batch, parts_->output_ND(batch),
                                   scale);
  if (when_final) when_final(parameters_.trained()->sections.back());
  decoder.backward(engine, batch, when_final);
}

void Model::add_loss_and_gradients(const at::Tensor& loss, const data::TokenBatch& batch, const at::Tensor& scale,
                                   const FinalGradients& when_final) {
  add_gradients(batch, scale, when_final);
  parts_->head.add_losses(loss, batch, scale);
}

void Model::add_loss(const at::Tensor& loss, const data::TokenBatch& batch) {
  forward(batch);
  parts_->head.losses(parts_->engine(*this), batch, parts_->output_ND(batch));
  parts_->head.add_losses(loss, batch, {});
}

at::Tensor Model::number(double value) const {
  return at::full({}, value, parameters_.master().options().dtype(at::kDouble));
}

double Model::loss_and_gradients(const data::TokenBatch& batch, double scale, const FinalGradients& when_final) {
  const at::Tensor loss = number(0.0);
  add_gradients(batch, number(scale), when_final);
  parts_->head.add_losses(loss, batch, {});
  return loss.item<double>();
}

double Model::loss(const data::TokenBatch& batch) {
  const at::Tensor loss = number(0.0);
  add_loss(loss, batch);
  return loss.item<double>();
}

at::Tensor Model::row_sums_N2(int64_t layer, int64_t tokens) const {
  return parts_->decoder.row_sums_N2(layer, tokens);
}

at::Tensor Model::losses_T(const data::TokenBatch& batch) {
  forward(batch);
  parts_->head.losses(parts_->engine(*this), batch, parts_->output_ND(batch));
  return parts_->head.losses_T(batch.num_scored()).cpu();
}

at::Tensor Model::last_logits_RV(const data::TokenBatch& batch) {
  forward(batch);
  const at::Tensor ends_R = batch.row_starts_R1.narrow(0, 1, batch.num_rows()).sub(1);
  return parts_->head.logits_NV(parts_->engine(*this), parts_->output_ND(batch).index_select(0, ends_R));
}

at::Tensor Model::logits_NV(const data::TokenBatch& batch, const LayerObserver& observe) {
  forward(batch, observe);
  return parts_->head.logits_NV(parts_->engine(*this), parts_->output_ND(batch));
}

std::vector<LayerCache> Model::make_cache() const { return parts_->decoder.make_cache(); }

at::Tensor Model::next_logits_V(std::vector<LayerCache>& cache, const data::TokenBatch& batch) {
  const Engine engine = parts_->engine(*this);
  parts_->decoder.extend(cache, engine, batch);
  const at::Tensor last_1D = parts_->output_ND(batch).narrow(0, batch.num_tokens() - 1, 1);
  return parts_->head.logits_NV(engine, last_1D)[0];
}

}  // namespace strata::nn
