#include "nn/head.h"

#include <ATen/ops/empty.h>

#include <algorithm>

#include "strata/kernels/cross_entropy.h"
#include "strata/kernels/embedding.h"
#include "strata/kernels/sums.h"

namespace strata::nn {

Head::Head(const ModelSpec& spec, const Parameters& parameters, int64_t max_tokens, int64_t chunk, Allocator& allocator)
    : vocab_(spec.dims.vocab),
      weight_VD_(parameters.whole_value("lm_head.weight")),
      grad_VD_(parameters.whole_gradient("lm_head.weight")),
      chunk_(std::min(chunk, max_tokens)) {
  const auto zeros = [&](const char* what, at::IntArrayRef shape, at::ScalarType dtype) {
    return allocator.zeros(MemoryClass::kLossChunk, what, shape, dtype);
  };
  normed_CD_ = zeros("head input", {chunk_, spec.dims.hidden}, parameters.dtype());
  logits_CV_ = zeros("logits", {chunk_, padded_width(vocab_)}, parameters.dtype());
  loss_T_ = zeros("losses", {max_tokens}, at::kFloat);
}

Head::Chunk Head::chunk(const Engine& engine, const data::TokenBatch& batch, const at::Tensor& normed_ND,
                        int64_t first) {
  const int64_t count = std::min(chunk_, batch.num_scored() - first);
  Chunk chunk{.positions_C = batch.loss_positions_T.narrow(0, first, count),
              .targets_C = batch.targets_T.narrow(0, first, count),
              .normed_CD = normed_CD_.narrow(0, 0, count),
              .logits_CV = logits_CV_.narrow(0, 0, count),
              .loss_C = loss_T_.narrow(0, first, count)};
  engine.clock.enter(phase::kEmbedding);
  kernels::gather_rows(chunk.normed_CD, normed_ND, chunk.positions_C);
  engine.multiply(phase::kGemmHead, chunk.logits_CV, chunk.normed_CD, weight_VD_.t());
  return chunk;
}

void Head::losses_and_gradient(const at::Tensor& grad_normed_ND, const Engine& engine, const data::TokenBatch& batch,
                               const at::Tensor& normed_ND, const at::Tensor& scale) {
  grad_normed_ND.zero_();
  for (int64_t first = 0; first < batch.num_scored(); first += chunk_) {
    const Chunk part = chunk(engine, batch, normed_ND, first);
    engine.clock.enter(phase::kCrossEntropy);
    kernels::cross_entropy_in_place(part.loss_C, part.logits_CV.narrow(1, 0, vocab_), part.targets_C, scale);
    engine.multiply(phase::kGemmHead, grad_VD_, part.logits_CV.t(), part.normed_CD, true);
    engine.multiply(phase::kGemmHead, part.normed_CD, part.logits_CV, weight_VD_);
    engine.clock.enter(phase::kEmbedding);
    kernels::scatter_rows(grad_normed_ND, part.normed_CD, part.positions_C);
    engine.clock.enter(nullptr);
  }
}

void Head::losses(const Engine& engine, const data::TokenBatch& batch, const at::Tensor& normed_ND) {
  for (int64_t first = 0; first < batch.num_scored(); first += chunk_) {
    const Chunk part = chunk(engine, batch, normed_ND, first);
    engine.clock.enter(phase::kCrossEntropy);
    kernels::cross_entropy(part.loss_C, part.logits_CV.narrow(1, 0, vocab_), part.targets_C);
    engine.clock.enter(nullptr);
  }
}

void Head::add_losses(const at::Tensor& total, const data::TokenBatch& batch, const at::Tensor& scale) const {
  kernels::add_sum(total, loss_T_.narrow(0, 0, batch.num_scored()), scale);
}

at::Tensor Head::logits_NV(const Engine& engine, const at::Tensor& normed_ND) const {
  const at::Tensor logits = at::empty({normed_ND.size(0), weight_VD_.size(0)}, weight_VD_.options());
  engine.multiply(phase::kGemmHead, logits, normed_ND, weight_VD_.t());
  return logits.narrow(1, 0, vocab_).contiguous();
}

}  // namespace strata::nn
