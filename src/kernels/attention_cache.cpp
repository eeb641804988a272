#include <cmath>
#include <vector>

#include "cpu_executor.h"
#include "strata/kernels/attention.h"
#include "tensor_access.h"

namespace strata::kernels {
namespace {

// One new token and one query head: softmax(q k / sqrt(d)) v over the first `keys` cached tokens.
template <class T>
void attend(const T* query, const T* cached_keys, const T* cached_values, int64_t keys, int64_t stride,
            int64_t head_dim, float* scores, T* out) {
  const CpuExecutor exec;
  const float scale = 1.0F / std::sqrt(static_cast<float>(head_dim));
  for (int64_t t = 0; t < keys; ++t) {
    scores[t] = scale * exec.sum<1>(head_dim, [&](int64_t j) {
      return sums(widen(query[j]) * widen(cached_keys[t * stride + j]));
    })[0];
  }
  const float highest = exec.max(keys, [&](int64_t t) { return scores[t]; });
  const float total = exec.sum<1>(keys, [&](int64_t t) {
    scores[t] = exponential(scores[t] - highest);
    return sums(scores[t]);
  })[0];
  exec.each(head_dim, [&](int64_t j) {
    float weighted = 0.0F;
    for (int64_t t = 0; t < keys; ++t) weighted += scores[t] * widen(cached_values[t * stride + j]);
    out[j] = narrow<T>(weighted / total);
  });
}

}  // namespace

void attention_over_cache(const at::Tensor& out_NA, const at::Tensor& keys_TK, const at::Tensor& values_TK,
                          const AttentionShape& shape, int64_t past, const at::Tensor& qkv_NW,
                          const at::Tensor& scratch) {
  const int64_t tokens = qkv_NW.size(0);
  const int64_t queries = shape.heads * shape.head_dim;
  const int64_t keys = shape.kv_heads * shape.head_dim;
  keys_TK.narrow(0, past, tokens).copy_(qkv_NW.narrow(1, queries, keys));
  values_TK.narrow(0, past, tokens).copy_(qkv_NW.narrow(1, queries + keys, keys));
  const int64_t share = scratch.numel() / num_threads();
  STRATA_CHECK(past + tokens <= share, "a row of ", past + tokens, " tokens is longer than the model was set up for");
  with_storage_type(qkv_NW, [&](auto type) {
    using T = decltype(type);
    parallel_tasks(tokens * shape.heads, [&](int64_t task) {
      const int64_t n = task / shape.heads;
      const int64_t head = task % shape.heads;
      const int64_t kv_offset = head / (shape.heads / shape.kv_heads) * shape.head_dim;
      attend(pointer<T>(qkv_NW) + n * qkv_NW.stride(0) + head * shape.head_dim, pointer<T>(keys_TK) + kv_offset,
             pointer<T>(values_TK) + kv_offset, past + n + 1, keys, shape.head_dim,
             pointer<float>(scratch) + thread_index() * share,
             pointer<T>(out_NA) + n * queries + head * shape.head_dim);
    });
  });
}

}  // namespace strata::kernels
