// Attention over rows that continue others, forward alone, on the CPU. Keys and values of the whole batch are copied
// into fp32 scratch once; then each row and query head is a task, which meets the keys on its way through the tree part
// by part. Every product is one chain over the keys in the order of their positions, so a token's bits are those that
// it has in a row of its own.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "attention_blocks.h"
#include "strata/base/threads.h"
#include "strata/kernels/attention.h"

namespace strata::kernels {
namespace {

// Tokens [begin, begin + count) of the batch, at the positions behind those of the part before.
struct WayPart {
  int64_t begin, count;
};

std::vector<WayPart> way_to(const AttentionTree& tree, int64_t row) {
  std::vector<WayPart> parts;
  int64_t end = tree.offsets[row];  // of what is left to cover
  for (int64_t above = tree.parents[row]; above >= 0; above = tree.parents[above]) {
    const int64_t offset = tree.offsets[above];
    if (offset >= end) continue;  // branches off before it begins
    parts.push_back({tree.starts[above], end - offset});
    end = offset;
  }
  std::ranges::reverse(parts);
  return parts;
}

// The scratch: keys [kv heads, d, keys_t] and values [kv heads, keys_t, d] of all tokens, then a share for each thread.
struct TreeScratch {
  TreeScratch(const AttentionShape& shape, int64_t tokens, int64_t longest_row)
      : d(padded(shape.head_dim)), keys_t(padded(tokens) + kColumns), score_t(padded(longest_row) + kColumns) {
    keys = shape.kv_heads * d * keys_t;
    share = kBlock * (2 * d + score_t);
  }
  int64_t size() const { return 2 * keys + num_threads() * share; }

  int64_t d, keys_t, score_t;  // a part's columns are padded on their own, hence kColumns more
  int64_t keys, share;         // elements
};

template <class T>
class TreeAttention {
 public:
  TreeAttention(const AttentionShape& shape, const AttentionTree& tree, const at::Tensor& qkv_NW,
                const at::Tensor& out_NA, const at::Tensor& scratch)
      : shape_(shape),
        tree_(tree),
        qkv_(pointer<T>(qkv_NW)),
        stride_(qkv_NW.stride(0)),
        tokens_(qkv_NW.size(0)),
        out_(pointer<T>(out_NA)),
        out_stride_(out_NA.stride(0)),
        layout_(shape, tokens_, tree.longest),
        keys_(pointer<float>(scratch)),
        values_(keys_ + layout_.keys),
        shares_(values_ + layout_.keys) {
    STRATA_ASSERT(scratch.numel() >= layout_.size());
  }

  void run() const {
    parallel_tasks(2 * shape_.kv_heads, [&](int64_t task) { copy_head(task / 2, task % 2 == 0); });
    std::vector<int64_t> by_work(tree_.parents.size());
    std::iota(by_work.begin(), by_work.end(), int64_t{0});
    std::ranges::stable_sort(by_work, [this](int64_t a, int64_t b) { return work(a) > work(b); });
    parallel_tasks(static_cast<int64_t>(by_work.size()) * shape_.heads, [&](int64_t task) {
      row_forward(by_work[task / shape_.heads], task % shape_.heads, shares_ + thread_index() * layout_.share);
    });
  }

 private:
  int64_t length(int64_t row) const { return tree_.starts[row + 1] - tree_.starts[row]; }
  int64_t work(int64_t row) const { return length(row) * (tree_.offsets[row] + length(row)); }
  HeadView<T> column(int64_t begin, int64_t count, int64_t head) const {
    return {qkv_ + begin * stride_ + head * shape_.head_dim, stride_, count, shape_.head_dim};
  }
  float* keys_dt(int64_t kv_head) const { return keys_ + kv_head * layout_.d * layout_.keys_t; }
  float* values_td(int64_t kv_head) const { return values_ + kv_head * layout_.d * layout_.keys_t; }

  void copy_head(int64_t kv_head, bool is_key) const {
    if (is_key) {
      unpack_transposed(column(0, tokens_, shape_.heads + kv_head), keys_dt(kv_head), layout_.keys_t);
      std::fill(keys_dt(kv_head) + shape_.head_dim * layout_.keys_t, keys_dt(kv_head) + layout_.d * layout_.keys_t,
                0.0F);
    } else {
      unpack(column(0, tokens_, shape_.heads + shape_.kv_heads + kv_head), 1.0F, values_td(kv_head), layout_.d);
    }
  }

  void row_forward(int64_t row, int64_t head, float* share) const {
    const int64_t d = layout_.d, t = layout_.score_t;
    float* query_bd = share;
    float* result_bd = query_bd + kBlock * d;
    float* score_bt = result_bd + kBlock * d;
    const float scale = 1.0F / std::sqrt(static_cast<float>(shape_.head_dim));
    const int64_t kv_head = head / (shape_.heads / shape_.kv_heads);
    std::vector<WayPart> parts = way_to(tree_, row);
    parts.push_back({tree_.starts[row], 0});
    for (int64_t first = 0; first < length(row); first += kBlock) {
      const int64_t count = std::min(kBlock, length(row) - first);
      parts.back().count = first + count;
      unpack(column(tree_.starts[row] + first, count, head), scale, query_bd, d);
      int64_t keys = 0;
      for (const WayPart& part : parts) {  // what is written behind a part's last column is the next one's
        small_gemm<false>(count, padded(part.count), d, {query_bd, d, 1}, keys_dt(kv_head) + part.begin, layout_.keys_t,
                          score_bt + keys, t);
        keys += part.count;
      }
      const int64_t past = tree_.offsets[row] + first;
      for (int64_t i = 0; i < count; ++i) softmax_row(score_bt + i * t, past + i + 1, keys);
      std::fill(result_bd, result_bd + count * d, 0.0F);
      keys = 0;
      for (const WayPart& part : parts) {
        small_gemm<true>(count, d, part.count, {score_bt + keys, t, 1}, values_td(kv_head) + part.begin * d, d,
                         result_bd, d);
        keys += part.count;
      }
      T* out = out_ + (tree_.starts[row] + first) * out_stride_ + head * shape_.head_dim;
      pack(result_bd, d, 1.0F, 0, count, HeadView<T>{out, out_stride_, count, shape_.head_dim});
    }
  }

  const AttentionShape& shape_;
  const AttentionTree& tree_;
  T* qkv_;
  int64_t stride_, tokens_;
  T* out_;
  int64_t out_stride_;
  TreeScratch layout_;
  float *keys_, *values_, *shares_;
};

}  // namespace

int64_t attention_tree_scratch(const AttentionShape& shape, int64_t max_tokens, int64_t longest_row) {
  return TreeScratch(shape, max_tokens, longest_row).size();
}

void attention_over_tree(const at::Tensor& out_NA, const AttentionShape& shape, const AttentionTree& tree,
                         const at::Tensor& qkv_NW, const at::Tensor& scratch) {
  with_storage_type(qkv_NW,
                    [&](auto type) { TreeAttention<decltype(type)>(shape, tree, qkv_NW, out_NA, scratch).run(); });
}

}  // namespace strata::kernels
