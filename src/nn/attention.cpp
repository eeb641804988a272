#include "nn/attention.h"

#include <ATen/ops/empty.h>

#include "strata/base/check.h"
#include "strata/kernels/rotary.h"

namespace strata::nn {
namespace {

std::string attention_projection(int64_t layer, const char* which) {
  return "model.layers." + std::to_string(layer) + ".self_attn." + which + "_proj.weight";
}

kernels::AttentionShape shape_of(const config::ModelConfig& dims) { return {dims.heads, dims.kv(), dims.head_dim()}; }

// The norms with gains that have sizes and no memory.
kernels::QkvNorm norm_shapes(const ModelSpec& spec) {
  const auto gain = [](bool wanted, int64_t width) {
    return wanted ? at::empty({width}, at::TensorOptions(at::kMeta)) : at::Tensor();
  };
  const auto [query_key, value] = spec.attention_norms;
  const int64_t dim = spec.dims.head_dim();
  const bool is_full = query_key == config::QkNorm::kFull, any = query_key != config::QkNorm::kNone;
  return {.shape = shape_of(spec.dims),
          .query_gain = gain(any, is_full ? spec.dims.heads * dim : dim),
          .key_gain = gain(any, is_full ? spec.dims.kv() * dim : dim),
          .value_gain = gain(value, dim)};
}

kernels::AttentionRows rows_of(const data::TokenBatch& batch) {
  return {.starts = batch.row_starts, .starts_on_device = batch.row_starts_R1, .longest = batch.longest_row};
}

}  // namespace

AttentionWorkspace::AttentionWorkspace(const ModelSpec& spec, at::ScalarType dtype, const BatchLimits& limits,
                                       bool gradients, Allocator& allocator)
    : kernel(kernels::make_attention(shape_of(spec.dims), allocator.device_type(), dtype)),
      norm_eps(spec.dims.norm_eps) {
  const config::ModelConfig& dims = spec.dims;
  const auto zeros = [&](const char* what, at::IntArrayRef shape, at::ScalarType type = at::kFloat) {
    return allocator.zeros(MemoryClass::kAttentionWorkspace, what, shape, type);
  };
  const auto [max_tokens, longest_row, most_rows, trees] = limits;
  rotary_table = zeros("rotary table", {2, longest_row, dims.head_dim() / 2});
  if (gradients) {
    grad_out_NA = zeros("attention output gradient", {max_tokens, dims.heads * dims.head_dim()}, dtype);
  }
  const kernels::QkvNorm norm = norm_shapes(spec);
  if (gradients && norm.any()) {
    norm_scratch = zeros("q k v norm gradient sums", {kernels::qkv_norm_scratch_size(max_tokens, norm)});
  }
  scratch = zeros("attention scratch", {kernel->scratch_size(max_tokens, longest_row)});
  if (trees) {
    STRATA_ASSERT(allocator.device_type() == at::kCPU);
    tree_scratch = zeros("attention tree scratch", {kernels::attention_tree_scratch(shape(), max_tokens, longest_row)});
  }
  allocator.count(MemoryClass::kAttentionWorkspace, str("taken by ", kernel->name(), " attention"),
                  kernel->bytes_of_its_own(max_tokens, longest_row, most_rows));
  if (!allocator.is_planning()) kernels::fill_rotary_table(rotary_table, dims.rope_theta);
}

AttentionActivations::AttentionActivations(const ModelSpec& spec, at::ScalarType dtype, int64_t max_tokens,
                                           bool gradients, const std::string& owner, Allocator& allocator) {
  const config::ModelConfig& dims = spec.dims;
  const int64_t queries = dims.heads * dims.head_dim();
  const int64_t width = queries + 2 * dims.kv() * dims.head_dim();
  qkv_NW = allocator.zeros(MemoryClass::kActivations, owner + " q k v", {max_tokens, width}, dtype);
  out_NA = allocator.zeros(MemoryClass::kActivations, owner + " attention output", {max_tokens, queries}, dtype);
  const kernels::QkvNorm norm = norm_shapes(spec);
  if (gradients && norm.any()) {
    raw_NV = allocator.zeros(MemoryClass::kActivations, owner + " q k v before norms",
                             {max_tokens, kernels::qkv_normed_width(norm)}, dtype);
  }
  log_sum_HN =
      allocator.zeros(MemoryClass::kActivations, owner + " softmax sums", {dims.heads * max_tokens}, at::kFloat);
}

Attention::Attention(const Parameters& parameters, int64_t layer, AttentionWorkspace& workspace,
                     const AttentionActivations& activations)
    : layer_(layer),
      qkv_weight_WD_(parameters.stacked_values(attention_projection(layer, "q"), attention_projection(layer, "v"))),
      out_weight_DA_(parameters.value(attention_projection(layer, "o"))),
      workspace_(&workspace),
      activations_(activations),
      norm_{.shape = workspace.shape(), .eps = workspace.norm_eps} {
  const auto gain = [&](const char* which) {
    const std::string name = norm_name(which);
    return parameters.layout().contains(name) ? parameters.value(name) : at::Tensor();
  };
  norm_.query_gain = gain("q");
  norm_.key_gain = gain("k");
  norm_.value_gain = gain("v");
  bind_gradients(parameters);
}

std::string Attention::norm_name(const char* which) const {
  return str("model.layers.", layer_, ".self_attn.", which, "_norm.weight");
}

void Attention::bind_gradients(const Parameters& parameters) {
  qkv_grad_WD_ = parameters.stacked_gradients(attention_projection(layer_, "q"), attention_projection(layer_, "v"));
  out_grad_DA_ = parameters.gradient(attention_projection(layer_, "o"));
  const auto gradient = [&](const at::Tensor& gain, const char* which) {
    return gain.defined() ? parameters.gradient(norm_name(which)) : at::Tensor();
  };
  norm_gradients_ = {.query_gain = gradient(norm_.query_gain, "q"),
                     .key_gain = gradient(norm_.key_gain, "k"),
                     .value_gain = gradient(norm_.value_gain, "v")};
}

AttentionActivations Attention::batch_views(int64_t tokens) const {
  AttentionActivations views = activations_;
  views.qkv_NW = views.qkv_NW.narrow(0, 0, tokens);
  if (views.raw_NV.defined()) views.raw_NV = views.raw_NV.narrow(0, 0, tokens);
  views.out_NA = views.out_NA.narrow(0, 0, tokens);
  views.log_sum_HN = views.log_sum_HN.narrow(0, 0, workspace_->shape().heads * tokens);
  return views;
}

void Attention::forward(const at::Tensor& branch_ND, const Engine& engine, const data::TokenBatch& batch,
                        const at::Tensor& normed_ND, const LayerCache* cache) {
  const auto [qkv_NW, raw_NV, out_NA, log_sum_HN] = batch_views(batch.num_tokens());
  const kernels::AttentionShape& shape = workspace_->shape();
  engine.multiply(phase::kGemmAttention, qkv_NW, normed_ND, qkv_weight_WD_.t());
  const kernels::Rotation rotation{batch.positions_N, workspace_->rotary_table};
  if (norm_.any()) {
    engine.clock.enter(phase::kQkvNorm);
    kernels::qkv_norm_forward(qkv_NW, raw_NV, norm_, rotation);
  } else {
    engine.clock.enter(phase::kRotary);
    kernels::rotate(qkv_NW, shape.heads + shape.kv_heads, rotation, false);
  }
  engine.clock.enter(phase::kAttention);
  if (cache != nullptr) {
    kernels::attention_over_cache(out_NA, cache->keys_TK, cache->values_TK, shape, cache->past, qkv_NW,
                                  workspace_->scratch);
  } else if (!batch.row_parents.empty()) {
    kernels::attention_over_tree(out_NA, shape,
                                 {batch.row_starts, batch.row_parents, batch.row_offsets, batch.longest_row}, qkv_NW,
                                 workspace_->tree_scratch);
  } else {
    workspace_->kernel->forward(out_NA, log_sum_HN, rows_of(batch), qkv_NW, workspace_->scratch);
  }
  engine.multiply(phase::kGemmAttention, branch_ND, out_NA, out_weight_DA_.t());
}

void Attention::backward(const at::Tensor& grad_normed_ND, const Engine& engine, const data::TokenBatch& batch,
                         const at::Tensor& normed_ND, const at::Tensor& grad_branch_ND) {
  const auto [qkv_NW, raw_NV, out_NA, log_sum_HN] = batch_views(batch.num_tokens());
  const at::Tensor grad_out_NA = workspace_->grad_out_NA.narrow(0, 0, batch.num_tokens());
  if (out_grad_DA_.defined()) {
    engine.multiply(phase::kGemmAttention, out_grad_DA_, grad_branch_ND.t(), out_NA, true);
  }
  engine.multiply(phase::kGemmAttention, grad_out_NA, grad_branch_ND, out_weight_DA_);
  engine.clock.enter(phase::kAttention);
  const kernels::Rotation rotation{batch.positions_N, workspace_->rotary_table};
  const kernels::QkvGradients gradients =
      workspace_->kernel->backward(qkv_NW, rows_of(batch), grad_out_NA, out_NA, log_sum_HN, workspace_->scratch);
  if (norm_.any()) {
    engine.clock.enter(phase::kQkvNorm);
    kernels::qkv_norm_backward(qkv_NW, gradients, raw_NV, norm_, rotation, norm_gradients_, workspace_->norm_scratch);
  } else {
    engine.clock.enter(phase::kRotary);
    kernels::store_rotated_back(qkv_NW, gradients, rotation);
  }
  if (qkv_grad_WD_.defined()) {
    engine.multiply(phase::kGemmAttention, qkv_grad_WD_, qkv_NW.t(), normed_ND, true);
  }
  engine.multiply(phase::kGemmAttention, grad_normed_ND, qkv_NW, qkv_weight_WD_);
}

}  // namespace strata::nn
