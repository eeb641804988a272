// Kernels between matrix products: row by row over a micro-batch.
#include <ATen/ops/full.h>

#include <set>

#include "kernel_arrays.h"
#include "strata/kernels/cross_entropy.h"
#include "strata/kernels/embedding.h"
#include "strata/kernels/qkv_norm.h"
#include "strata/kernels/rotary.h"
#include "strata/kernels/swiglu.h"

namespace strata::tools {
namespace {

PreparedKernel rotary(const KernelSizes& sizes) {
  const config::ModelConfig& dims = sizes.dims;
  const int64_t heads = dims.heads + dims.kv();
  KernelArrays arrays(sizes);
  const at::Tensor qkv = arrays.make({sizes.tokens, (heads + dims.kv()) * dims.head_dim()});
  arrays.add_bytes(2 * sizes.tokens * heads * dims.head_dim() * qkv.element_size());
  const at::Tensor positions = arrays.put(random_batch(sizes).positions_N);
  const at::Tensor table = arrays.read_fp32({2, sizes.row, dims.head_dim() / 2});
  kernels::fill_rotary_table(table, dims.rope_theta);
  return {.shape = shape_text({sizes.tokens, heads, dims.head_dim()}), .bytes = arrays.bytes(), .run = [=] {
            kernels::rotate(qkv, heads, {positions, table}, false);
          }};
}

// Of each head of q and k, which are rotated too.
PreparedKernel qk_norm(const KernelSizes& sizes, bool backward) {
  const config::ModelConfig& dims = sizes.dims;
  const int64_t dim = dims.head_dim(), heads = dims.heads + dims.kv();
  KernelArrays arrays(sizes);
  const at::Tensor qkv = arrays.make({sizes.tokens, heads + dims.kv(), dim});
  const at::Tensor rows = qkv.view({sizes.tokens, -1});
  const std::vector<int64_t> shape{sizes.tokens, heads * dim};
  arrays.add_bytes(2 * sizes.tokens * heads * dim * qkv.element_size());
  const at::Tensor raw = backward ? arrays.read(shape) : arrays.written(shape);
  const at::Tensor positions = arrays.put(random_batch(sizes).positions_N);
  const at::Tensor table = arrays.read_fp32({2, sizes.row, dim / 2});
  kernels::fill_rotary_table(table, dims.rope_theta);
  const kernels::QkvNorm norm{
      .shape = {dims.heads, dims.kv(), dim}, .query_gain = arrays.make({dim}), .key_gain = arrays.make({dim})};
  const at::Tensor scratch = arrays.make({kernels::qkv_norm_scratch_size(sizes.tokens, norm)}, at::kFloat);
  const kernels::QkvNormGradients gain_gradients{.query_gain = arrays.make({dim}, sizes.gradient_dtype),
                                                 .key_gain = arrays.make({dim}, sizes.gradient_dtype)};
  const kernels::QkvGradients gradients{qkv.narrow(1, 0, dims.heads), qkv.narrow(1, dims.heads, dims.kv()),
                                        qkv.narrow(1, heads, dims.kv())};
  std::function<void()> run = [=] { kernels::qkv_norm_forward(rows, raw, norm, {positions, table}); };
  if (backward) {
    run = [=] { kernels::qkv_norm_backward(rows, gradients, raw, norm, {positions, table}, gain_gradients, scratch); };
  }
  return {.shape = shape_text({sizes.tokens, heads, dim}), .bytes = arrays.bytes(), .run = std::move(run)};
}

PreparedKernel swiglu(bool backward, const KernelSizes& sizes) {
  const std::vector<int64_t> shape{sizes.tokens, sizes.dims.intermediate}, both{shape[0], 2 * shape[1]};
  KernelArrays arrays(sizes);
  const at::Tensor gate_up = backward ? arrays.changed(both) : arrays.read(both);
  const at::Tensor out = backward ? arrays.changed(shape) : arrays.written(shape);
  std::function<void()> run = [=] { kernels::swiglu(out, gate_up); };
  if (backward) run = [=] { kernels::swiglu_backward_in_place(gate_up, out); };
  return {.shape = shape_text(shape), .bytes = arrays.bytes(), .run = std::move(run)};
}

PreparedKernel cross_entropy(const KernelSizes& sizes, bool backward) {
  const std::vector<int64_t> shape{sizes.loss_chunk, sizes.dims.vocab};
  KernelArrays arrays(sizes);
  const at::Tensor logits = backward ? arrays.changed(shape) : arrays.read(shape);
  const at::Tensor targets = arrays.put(at::full({shape[0]}, 1, at::kLong));
  const at::Tensor loss = arrays.written_fp32({shape[0]}), scale = arrays.make({}, at::kDouble).fill_(1.0);
  std::function<void()> run = [=] { kernels::cross_entropy(loss, logits, targets); };
  if (backward) run = [=] { kernels::cross_entropy_in_place(loss, logits, targets, scale); };
  return {.shape = shape_text(shape), .bytes = arrays.bytes(), .run = std::move(run)};
}

// Of the table, the rows of the ids that there are have to move, once.
int64_t touched_bytes(const data::TokenBatch& batch, const at::Tensor& table_VD) {
  const auto* ids = batch.tokens_N.const_data_ptr<int64_t>();
  const auto rows = static_cast<int64_t>(std::set<int64_t>(ids, ids + batch.num_tokens()).size());
  return rows * table_VD.size(1) * table_VD.element_size();
}

PreparedKernel gather(const KernelSizes& sizes) {
  KernelArrays arrays(sizes);
  const data::TokenBatch batch = random_batch(sizes);
  const at::Tensor table = arrays.make({sizes.dims.vocab, sizes.dims.hidden});
  arrays.add_bytes(touched_bytes(batch, table));
  const at::Tensor tokens = arrays.put(batch.tokens_N), out = arrays.written({sizes.tokens, sizes.dims.hidden});
  return {.shape = shape_text(out.sizes()), .bytes = arrays.bytes(), .run = [=] {
            kernels::gather_rows(out, table, tokens);
          }};
}

PreparedKernel embedding_backward(const KernelSizes& sizes) {
  KernelArrays arrays(sizes);
  const data::TokenBatch batch = random_batch(sizes);
  const at::Tensor table = arrays.make({sizes.dims.vocab, sizes.dims.hidden}, sizes.gradient_dtype);
  arrays.add_bytes(2 * touched_bytes(batch, table));
  const at::Tensor tokens = arrays.put(batch.tokens_N), by_id = arrays.put(batch.by_id_N);
  const at::Tensor grad = arrays.read({sizes.tokens, sizes.dims.hidden});
  return {.shape = shape_text(grad.sizes()), .bytes = arrays.bytes(), .run = [=] {
            kernels::embedding_backward(table, grad, tokens, by_id);
          }};
}

}  // namespace

std::vector<KernelCase> row_kernels(const KernelSizes& sizes) {
  return {{"rotary", [=] { return rotary(sizes); }},
          {"norms of q and k", [=] { return qk_norm(sizes, false); }},
          {"norms of q and k, backward", [=] { return qk_norm(sizes, true); }},
          {"swiglu", [=] { return swiglu(false, sizes); }},
          {"swiglu, backward", [=] { return swiglu(true, sizes); }},
          {"cross-entropy, loss alone", [=] { return cross_entropy(sizes, false); }},
          {"cross-entropy and its gradient", [=] { return cross_entropy(sizes, true); }},
          {"gather of rows", [=] { return gather(sizes); }},
          {"embedding, backward", [=] { return embedding_backward(sizes); }}};
}

}  // namespace strata::tools
