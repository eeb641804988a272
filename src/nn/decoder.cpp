#include "nn/decoder.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <ranges>

#include "nn/decoder_buffers.h"
#include "strata/base/check.h"
#include "strata/kernels/embedding.h"

namespace strata::nn {

Decoder::Decoder(const ModelSpec& spec, const Parameters& parameters, const BatchLimits& limits,
                 config::Recompute recompute, Allocator& allocator)
    : limits_(limits),
      recompute_(recompute),
      gradient_sections_(parameters.trained()->sections),
      embedding_VD_(parameters.value("model.embed_tokens.weight")),
      embedding_grad_VD_(parameters.gradient("model.embed_tokens.weight")),
      attention_workspace_(spec, parameters.dtype(), limits, parameters.has_gradients(), allocator),
      branch_scales_(spec.wiring, allocator) {
  const bool gradients = parameters.has_gradients();
  STRATA_ASSERT(!gradients || std::ssize(spec.layers) == spec.dims.layers);
  if (gradients) {
    const auto gradient = [&](const char* what) {
      return allocator.zeros(MemoryClass::kWorkspace, what, {limits.max_tokens, spec.dims.hidden}, parameters.dtype());
    };
    grad_stream_ND_ = gradient("stream gradient");
    grad_normed_ND_ = gradient("normed gradient");
    grad_branch_ND_ = gradient("branch gradient");
  }
  DecoderBuffers buffers(spec, parameters.dtype(), limits.max_tokens, recompute, gradients, allocator);
  const auto junction = [&](const norm::WiredJunction& wired, const JunctionBuffers& its_buffers,
                            const at::Tensor& branch_scale) {
    return make_junction(parameters, spec, wired, its_buffers, branch_scale, buffers.junction_scratch());
  };
  entry_ = junction(spec.wiring.entry, buffers.entry(), {});
  sections_.push_back(spec.layout.sections.front());
  for (int64_t layer = 0; layer < std::ssize(spec.layers); ++layer) {
    const int64_t number = spec.layers[static_cast<size_t>(layer)];
    sections_.push_back(spec.layout.sections[static_cast<size_t>(number + 1)]);
    const auto* after = &spec.wiring.after[static_cast<size_t>(2 * layer)];
    layers_.push_back({Attention(parameters, number, attention_workspace_, buffers.attention(layer)),
                       junction(after[0], buffers.after_attention(layer), branch_scales_.after(2 * layer)),
                       FeedForward(parameters, number, buffers.gate_up_N2F(layer), buffers.feed_forward_activation_NF(),
                                   recompute == config::Recompute::kFfn),
                       junction(after[1], buffers.after_feed_forward(layer), branch_scales_.after(2 * layer + 1))});
  }
  branch_scales_.set_update(spec.update, {});
}

void Decoder::bind_gradients(const Parameters& parameters) {
  gradient_sections_ = parameters.trained()->sections;
  entry_->bind_gradients(parameters);
  for (Layer& layer : layers_) {
    layer.attention.bind_gradients(parameters);
    layer.after_attention->bind_gradients(parameters);
    layer.feed_forward.bind_gradients(parameters);
    layer.after_feed_forward->bind_gradients(parameters);
  }
}

void Decoder::check_fits(const data::TokenBatch& batch) const {
  STRATA_CHECK(batch.num_tokens() <= limits_.max_tokens, "a batch of ", batch.num_tokens(),
               " tokens does not fit into buffers for ", limits_.max_tokens);
  for (size_t row = 1; row < batch.row_starts.size(); ++row) {
    const int64_t before = batch.row_offsets.empty() ? 0 : batch.row_offsets[row - 1];
    const int64_t length = before + batch.row_starts[row] - batch.row_starts[row - 1];
    STRATA_CHECK(length <= limits_.longest_row, "row ", row - 1, " has ", length, " tokens, the model was set up for ",
                 limits_.longest_row);
  }
}

const Junction& Decoder::before(size_t layer) const {
  return layer == 0 ? *entry_ : *layers_[layer - 1].after_feed_forward;
}

void Decoder::layer_forward(const Engine& engine, const data::TokenBatch& batch, size_t index,
                            const LayerCache* cache) {
  Layer& layer = layers_[index];
  const int64_t tokens = batch.num_tokens();
  const JunctionBuffers in = before(index).buffers().first(tokens);
  const JunctionBuffers middle = layer.after_attention->buffers().first(tokens);
  layer.attention.forward(middle.branch_ND, engine, batch, in.normed_ND, cache);
  layer.after_attention->forward(engine, in.stream_ND);
  layer.feed_forward.forward(layer.after_feed_forward->buffers().first(tokens).branch_ND, engine, middle.normed_ND);
  layer.after_feed_forward->forward(engine, middle.stream_ND);
}

void Decoder::embed(const Engine& engine, const data::TokenBatch& batch) {
  const at::Tensor embedded_ND = entry_->buffers().first(batch.num_tokens()).sum_ND;
  engine.enter_section(sections_.front());
  engine.clock.enter(phase::kEmbedding);
  kernels::gather_rows(embedded_ND, embedding_VD_, batch.tokens_N);
  entry_->forward(engine, embedded_ND, true);
}

void Decoder::forward(const Engine& engine, const data::TokenBatch& batch, const LayerObserver& observe) {
  check_fits(batch);
  embed(engine, batch);
  for (size_t layer = 0; layer < layers_.size(); ++layer) {
    engine.enter_section(sections_[layer + 1]);
    layer_forward(engine, batch, layer);
    if (observe) {
      observe(static_cast<int64_t>(layer), before(layer + 1).buffers().first(batch.num_tokens()).stream_ND);
    }
  }
}

std::vector<LayerCache> Decoder::make_cache() const {
  const kernels::AttentionShape& shape = attention_workspace_.shape();
  std::vector<LayerCache> cache(layers_.size());
  for (LayerCache& of_layer : cache) {
    for (at::Tensor* tensor : {&of_layer.keys_TK, &of_layer.values_TK}) {
      *tensor = at::empty({limits_.longest_row, shape.kv_heads * shape.head_dim}, embedding_VD_.options());
    }
  }
  return cache;
}

void Decoder::extend(std::vector<LayerCache>& cache, const Engine& engine, data::TokenBatch batch) {
  STRATA_ASSERT(batch.num_rows() == 1 && cache.size() == layers_.size());
  const int64_t past = cache.front().past;
  STRATA_CHECK(past + batch.num_tokens() <= limits_.longest_row, "a row of ", past + batch.num_tokens(),
               " tokens is longer than the ", limits_.longest_row, " that the model was set up for");
  batch.positions_N = batch.positions_N.add(past);
  embed(engine, batch);
  for (size_t layer = 0; layer < layers_.size(); ++layer) {
    engine.enter_section(sections_[layer + 1]);
    layer_forward(engine, batch, layer, &cache[layer]);
    cache[layer].past += batch.num_tokens();
  }
}

at::Tensor Decoder::output_ND(int64_t tokens) const { return before(layers_.size()).buffers().first(tokens).normed_ND; }

void Decoder::layer_backward(const Engine& engine, const data::TokenBatch& batch, size_t index) {
  Layer& layer = layers_[index];
  const int64_t tokens = batch.num_tokens();
  const JunctionBuffers in = before(index).buffers().first(tokens);
  const JunctionBuffers middle = layer.after_attention->buffers().first(tokens);
  const at::Tensor grad_stream = grad_stream_ND_.narrow(0, 0, tokens);
  const at::Tensor grad_normed = grad_normed_ND_.narrow(0, 0, tokens);
  const at::Tensor grad_branch = grad_branch_ND_.narrow(0, 0, tokens);
  layer.after_feed_forward->backward(grad_branch, grad_stream, engine, middle.stream_ND, grad_normed);
  layer.feed_forward.backward(grad_normed, engine, middle.normed_ND, grad_branch);
  layer.after_attention->backward(grad_branch, grad_stream, engine, in.stream_ND, grad_normed);
  layer.attention.backward(grad_normed, engine, batch, in.normed_ND, grad_branch);
}

void Decoder::backward(const Engine& engine, const data::TokenBatch& batch, const FinalGradients& when_final) {
  const int64_t tokens = batch.num_tokens();
  const auto leave = [&](const ArenaRange& section) {
    if (when_final && section.size() > 0) when_final(section);
  };
  const at::Tensor grad_stream = grad_stream_ND_.narrow(0, 0, tokens);
  grad_stream.zero_();
  for (size_t layer = layers_.size(); layer-- > 0;) {
    if (recompute_ == config::Recompute::kLayer) layer_forward(engine, batch, layer);
    layer_backward(engine, batch, layer);
    leave(gradient_sections_[layer + 1]);
  }
  const at::Tensor embedded_ND = entry_->buffers().first(tokens).sum_ND;
  entry_->backward(grad_branch_ND_.narrow(0, 0, tokens), grad_stream, engine, embedded_ND,
                   grad_normed_ND_.narrow(0, 0, tokens));
  engine.clock.enter(phase::kEmbedding);
  kernels::embedding_backward(embedding_grad_VD_, grad_stream, batch.tokens_N, batch.by_id_N);
  engine.clock.enter(nullptr);
  leave(gradient_sections_.front());
}

at::Tensor Decoder::row_sums_N2(int64_t layer, int64_t tokens) const {
  return layers_[static_cast<size_t>(layer)].after_feed_forward->buffers().row_sums_N2.narrow(0, 0, tokens);
}

}  // namespace strata::nn
