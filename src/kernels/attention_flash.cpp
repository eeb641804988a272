#include <ATen/ops/_flash_attention_backward.h>
#include <ATen/ops/_flash_attention_forward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>

#include "attention_on_device.h"
#include "strata/base/integers.h"
#include "strata/kernels/launch_log.h"

namespace strata::kernels {
namespace {

class FlashAttention final : public Attention {
 public:
  using Attention::Attention;

  const char* name() const override { return "flash"; }

  int64_t scratch_size(int64_t, int64_t) const override { return 0; }

  // Of the backward pass, which takes the most: gradients of queries, keys and values, and in fp32 the queries' once
  // more with a sum for each, in which rows are 128 tokens apart. To have the same bits every time it adds the queries'
  // up in as many copies as give every multiprocessor a row and head. ATen's mha_varlen_bwd.
  int64_t bytes_of_its_own(int64_t max_tokens, int64_t longest_row, int64_t most_rows) const override {
    constexpr int64_t kBf16 = 2, kFp32 = 4, kApart = 128, kRounded = 32;
    constexpr int64_t kMultiprocessors = 148;  // the most that a GPU has: B200; H100 132, A100 108
    const int64_t heads = shape().heads, d = shape().head_dim;
    const int64_t fewest_rows = quotient_up(max_tokens, longest_row);
    const int64_t copies = quotient_up(kMultiprocessors, fewest_rows * heads);
    const int64_t spread = max_tokens + kApart * std::max(most_rows, fewest_rows);
    const int64_t expanded = shape().kv_heads == heads ? 0 : 2 * max_tokens * heads * d * kBf16;
    return max_tokens * (heads + 2 * shape().kv_heads) * d * kBf16 + expanded +
           spread * heads * (copies * quotient_up(d, kRounded) * kRounded + 1) * kFp32;
  }

  void forward(const at::Tensor& out_NA, const at::Tensor& log_sum_HN, const AttentionRows& rows,
               const at::Tensor& qkv_NW, const at::Tensor&) const override {
    const int64_t longest = bound(rows);
    if (qkv_NW.is_meta()) return log_forward(out_NA, log_sum_HN, longest);
    const auto [queries_NHd, keys_NKd, values_NKd] = parts_of(qkv_NW);
    const auto results =
        at::_flash_attention_forward(queries_NHd, keys_NKd, values_NKd, rows.starts_on_device, rows.starts_on_device,
                                     longest, longest, /*dropout_p=*/0.0, /*is_causal=*/true,
                                     /*return_debug_mask=*/false);
    by_head(out_NA, shape().heads).copy_(std::get<0>(results));
    log_sums(log_sum_HN).copy_(std::get<1>(results));
  }

  void backward_in_place(const at::Tensor& qkv_NW, const AttentionRows& rows, const at::Tensor& grad_out_NA,
                         const at::Tensor& out_NA, const at::Tensor& log_sum_HN,
                         const at::Tensor& scratch) const override {
    const QkvGradients gradients = backward(qkv_NW, rows, grad_out_NA, out_NA, log_sum_HN, scratch);
    const QkvGradients places = parts_of(qkv_NW);
    places.query_NHd.copy_(gradients.query_NHd);
    places.key_NKd.copy_(gradients.key_NKd);
    places.value_NKd.copy_(gradients.value_NKd);
  }

  QkvGradients backward(const at::Tensor& qkv_NW, const AttentionRows& rows, const at::Tensor& grad_out_NA,
                        const at::Tensor& out_NA, const at::Tensor& log_sum_HN, const at::Tensor&) const override {
    const int64_t longest = bound(rows);
    if (qkv_NW.is_meta()) return log_backward(qkv_NW, longest);
    const auto [queries_NHd, keys_NKd, values_NKd] = parts_of(qkv_NW);
    const at::Tensor no_dropout = at::empty({2}, qkv_NW.options().dtype(at::kUInt64));
    const auto [query, key, value] = at::_flash_attention_backward(
        by_head(grad_out_NA, shape().heads), queries_NHd, keys_NKd, values_NKd, by_head(out_NA, shape().heads),
        log_sums(log_sum_HN), rows.starts_on_device, rows.starts_on_device, longest, longest, /*dropout_p=*/0.0,
        /*is_causal=*/true, no_dropout, no_dropout);
    return {query.contiguous(), key.contiguous(), value.contiguous()};
  }

 private:
  double score_flops(int64_t tokens, int64_t longest) const {
    return causal_flops(tokens, longest, shape().heads, shape().head_dim);
  }

  // What is launched forward and backward.
  void log_forward(const at::Tensor& out_NA, const at::Tensor& log_sum_HN, int64_t longest) const {
    const auto moved = static_cast<double>(out_NA.nbytes());
    const double keys = 2.0 * moved * static_cast<double>(shape().kv_heads) / static_cast<double>(shape().heads);
    log_launch(
        {.kernel = "flash attention", .bytes = 2.0 * moved + keys, .flops = score_flops(out_NA.size(0), longest)});
    by_head(out_NA, shape().heads).copy_(at::empty_like(by_head(out_NA, shape().heads)));
    log_sums(log_sum_HN).copy_(at::empty_like(log_sums(log_sum_HN)));
  }
  // The queries' gradient is zeroed, added to in fp32, and converted; the rows' dot products come first.
  QkvGradients log_backward(const at::Tensor& qkv_NW, int64_t longest) const {
    constexpr int64_t kLaunches = 4;
    log_launch({.kernel = "flash attention, backward",
                .launches = kLaunches,
                .bytes = 4.0 * static_cast<double>(qkv_NW.nbytes()),
                .flops = 2.5 * score_flops(qkv_NW.size(0), longest)});
    const auto like = [&](const at::Tensor& part) { return at::empty(part.sizes(), qkv_NW.options()); };
    const QkvGradients parts = parts_of(qkv_NW);
    return {like(parts.query_NHd), like(parts.key_NKd), like(parts.value_NKd)};
  }

  // Of the rows' lengths. Where it is 1, ATen lays out the softmax's sums differently.
  static int64_t bound(const AttentionRows& rows) { return std::max<int64_t>(rows.longest, 2); }

  at::Tensor by_head(const at::Tensor& rows_NA, int64_t heads) const {
    return rows_NA.view({rows_NA.size(0), heads, shape().head_dim});
  }
  at::Tensor log_sums(const at::Tensor& log_sum_HN) const { return log_sum_HN.view({shape().heads, -1}); }
};

}  // namespace

std::unique_ptr<Attention> make_flash_attention(const AttentionShape& shape) {
  return std::make_unique<FlashAttention>(shape);
}

}  // namespace strata::kernels
