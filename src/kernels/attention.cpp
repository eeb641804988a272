// Attention on the CPU: one task per row and key-value head, longest rows first. A task copies its heads into fp32
// scratch and works through blocks of queries, each against all keys up to its last one.
//
// In names: t tokens of the row, d head dimension padded to whole vectors, b queries of a block.
#include <cmath>
#include <numeric>

#include "attention_blocks.h"
#include "attention_on_device.h"
#include "strata/base/check.h"
#include "strata/base/threads.h"
#include "strata/kernels/device.h"
#include "strata/kernels/rotary.h"

namespace strata::kernels {
namespace {

// A task's share of the scratch. *_td: [t, d]; *_dt: [d, t]; *_bt: [block, t], every row padded to whole vectors.
struct TaskScratch {
  TaskScratch(float* base, int64_t tokens, int64_t head_dim) : t(padded(tokens)), d(padded(head_dim)) {
    const auto take = [&base](int64_t size) {
      float* taken = base;
      base += size;
      return taken;
    };
    query_td = take(t * d);
    key_td = take(t * d);
    key_dt = take(t * d);
    value_td = take(t * d);
    value_dt = take(t * d);
    grad_out_td = take(t * d);
    grad_key_td = take(t * d);
    grad_value_td = take(t * d);
    score_bt = take(kBlock * t);
    grad_score_bt = take(kBlock * t);
    result_bd = take(kBlock * d);
  }
  static int64_t size(int64_t tokens, int64_t head_dim) {
    return 8 * padded(tokens) * padded(head_dim) + kBlock * (2 * padded(tokens) + padded(head_dim));
  }

  int64_t t, d;
  float *query_td, *key_td, *key_dt, *value_td, *value_dt, *grad_out_td, *grad_key_td, *grad_value_td;
  float *score_bt, *grad_score_bt, *result_bd;
};

void clear(float* data, int64_t size) { std::fill(data, data + size, 0.0F); }

// The rows and heads of a call, as tasks.
template <class T>
class Work {
 public:
  Work(const AttentionShape& shape, const std::vector<int32_t>& row_starts, const at::Tensor& qkv_NW,
       const at::Tensor& scratch)
      : shape_(shape),
        starts_(row_starts),
        qkv_(pointer<T>(qkv_NW)),
        stride_(qkv_NW.stride(0)),
        tokens_(qkv_NW.size(0)),
        scratch_(pointer<float>(scratch)),
        by_length_(row_starts.size() - 1) {
    std::iota(by_length_.begin(), by_length_.end(), 0);
    std::ranges::stable_sort(by_length_, [this](int64_t a, int64_t b) { return length(a) > length(b); });
    scratch_share_ = scratch.numel() / num_threads();
    STRATA_ASSERT(by_length_.empty() || scratch_share_ >= TaskScratch::size(length(by_length_[0]), shape.head_dim));
  }

  // f(row, kv head, scratch) for every pair.
  template <class F>
  void run(F&& f) const {
    parallel_tasks(static_cast<int64_t>(by_length_.size()) * shape_.kv_heads, [&](int64_t task) {
      const int64_t row = by_length_[task / shape_.kv_heads];
      f(row, task % shape_.kv_heads,
        TaskScratch(scratch_ + thread_index() * scratch_share_, length(row), shape_.head_dim));
    });
  }

  int64_t length(int64_t row) const { return starts_[row + 1] - starts_[row]; }
  int64_t group() const { return shape_.heads / shape_.kv_heads; }
  HeadView<T> query(int64_t row, int64_t head) const { return column(row, head); }
  HeadView<T> key(int64_t row, int64_t head) const { return column(row, shape_.heads + head); }
  HeadView<T> value(int64_t row, int64_t head) const { return column(row, shape_.heads + shape_.kv_heads + head); }
  HeadView<T> output(const at::Tensor& out_NA, int64_t row, int64_t head) const {
    return {pointer<T>(out_NA) + starts_[row] * out_NA.stride(0) + head * shape_.head_dim, out_NA.stride(0),
            length(row), shape_.head_dim};
  }
  float* log_sums(const at::Tensor& log_sum_HN, int64_t row, int64_t head) const {
    return pointer<float>(log_sum_HN) + head * tokens_ + starts_[row];
  }
  float score_scale() const { return 1.0F / std::sqrt(static_cast<float>(shape_.head_dim)); }

 private:
  HeadView<T> column(int64_t row, int64_t head) const {
    return {qkv_ + starts_[row] * stride_ + head * shape_.head_dim, stride_, length(row), shape_.head_dim};
  }

  AttentionShape shape_;
  const std::vector<int32_t>& starts_;
  T* qkv_;
  int64_t stride_;
  int64_t tokens_;
  float* scratch_;
  int64_t scratch_share_ = 0;
  std::vector<int64_t> by_length_;
};

// One query head forward: probabilities block by block, then out = P V. `emit` takes a block's rows of the output.
template <class F>
void head_forward(const TaskScratch& s, int64_t tokens, float* log_sums, F&& emit) {
  for (int64_t first = 0; first < tokens; first += kBlock) {
    const int64_t count = std::min(kBlock, tokens - first);
    const int64_t keys = first + count;
    small_gemm<false>(count, padded(keys), s.d, {s.query_td + first * s.d, s.d, 1}, s.key_dt, s.t, s.score_bt, s.t);
    for (int64_t i = 0; i < count; ++i) log_sums[first + i] = softmax_row(s.score_bt + i * s.t, first + i + 1, keys);
    small_gemm<false>(count, s.d, keys, {s.score_bt, s.t, 1}, s.value_td, s.d, s.result_bd, s.d);
    emit(first, count);
  }
}

// dS = P * (dP - sum(P * dP)), with P from the scores and the saved denominators; zero behind the causal edge.
void softmax_backward_row(float* scores, float* grads, float log_sum, int64_t valid, int64_t width) {
  const CpuExecutor exec;
  const float delta = exec.sum<1>(valid, [&](int64_t j) {
    scores[j] = exponential(scores[j] - log_sum);
    return sums(scores[j] * grads[j]);
  })[0];
  exec.each(valid, [&](int64_t j) { grads[j] = scores[j] * (grads[j] - delta); });
  for (int64_t j = valid; j < width; ++j) scores[j] = grads[j] = 0.0F;
}

// One query head backward: dK and dV added to, a block's rows of dQ handed to `emit`.
template <class F>
void head_backward(const TaskScratch& s, int64_t tokens, const float* log_sums, F&& emit) {
  for (int64_t first = 0; first < tokens; first += kBlock) {
    const int64_t count = std::min(kBlock, tokens - first);
    const int64_t keys = first + count;
    const float* query = s.query_td + first * s.d;
    const float* grad_out = s.grad_out_td + first * s.d;
    small_gemm<false>(count, padded(keys), s.d, {query, s.d, 1}, s.key_dt, s.t, s.score_bt, s.t);
    small_gemm<false>(count, padded(keys), s.d, {grad_out, s.d, 1}, s.value_dt, s.t, s.grad_score_bt, s.t);
    for (int64_t i = 0; i < count; ++i) {
      softmax_backward_row(s.score_bt + i * s.t, s.grad_score_bt + i * s.t, log_sums[first + i], first + i + 1, keys);
    }
    small_gemm<true>(keys, s.d, count, {s.score_bt, 1, s.t}, grad_out, s.d, s.grad_value_td, s.d);
    small_gemm<true>(keys, s.d, count, {s.grad_score_bt, 1, s.t}, query, s.d, s.grad_key_td, s.d);
    small_gemm<false>(count, s.d, keys, {s.grad_score_bt, s.t, 1}, s.key_td, s.d, s.result_bd, s.d);
    emit(first, count);
  }
}

class CpuAttention final : public Attention {
 public:
  using Attention::Attention;

  const char* name() const override { return "cpu"; }

  int64_t scratch_size(int64_t, int64_t longest_row) const override {
    return num_threads() * TaskScratch::size(longest_row, shape().head_dim);
  }

  void forward(const at::Tensor& out_NA, const at::Tensor& log_sum_HN, const AttentionRows& rows,
               const at::Tensor& qkv_NW, const at::Tensor& scratch) const override;
  void backward_in_place(const at::Tensor& qkv_NW, const AttentionRows& rows, const at::Tensor& grad_out_NA,
                         const at::Tensor& out_NA, const at::Tensor& log_sum_HN,
                         const at::Tensor& scratch) const override;
};

void CpuAttention::forward(const at::Tensor& out_NA, const at::Tensor& log_sum_HN, const AttentionRows& rows,
                           const at::Tensor& qkv_NW, const at::Tensor& scratch) const {
  with_storage_type(qkv_NW, [&](auto type) {
    const Work<decltype(type)> work(shape(), rows.starts, qkv_NW, scratch);
    work.run([&](int64_t row, int64_t kv_head, const TaskScratch& s) {
      unpack_transposed(work.key(row, kv_head), s.key_dt, s.t);
      for (int64_t j = shape().head_dim; j < s.d; ++j) clear(s.key_dt + j * s.t, s.t);
      unpack(work.value(row, kv_head), 1.0F, s.value_td, s.d);
      for (int64_t head = kv_head * work.group(); head < (kv_head + 1) * work.group(); ++head) {
        unpack(work.query(row, head), work.score_scale(), s.query_td, s.d);
        head_forward(s, work.length(row), work.log_sums(log_sum_HN, row, head), [&](int64_t first, int64_t count) {
          pack(s.result_bd, s.d, 1.0F, first, count, work.output(out_NA, row, head));
        });
      }
    });
  });
}

void CpuAttention::backward_in_place(const at::Tensor& qkv_NW, const AttentionRows& rows, const at::Tensor& grad_out_NA,
                                     const at::Tensor&, const at::Tensor& log_sum_HN, const at::Tensor& scratch) const {
  with_storage_type(qkv_NW, [&](auto type) {
    const Work<decltype(type)> work(shape(), rows.starts, qkv_NW, scratch);
    work.run([&](int64_t row, int64_t kv_head, const TaskScratch& s) {
      unpack(work.key(row, kv_head), 1.0F, s.key_td, s.d);
      unpack_transposed(work.key(row, kv_head), s.key_dt, s.t);
      unpack_transposed(work.value(row, kv_head), s.value_dt, s.t);
      for (int64_t j = shape().head_dim; j < s.d; ++j) {
        clear(s.key_dt + j * s.t, s.t);
        clear(s.value_dt + j * s.t, s.t);
      }
      clear(s.grad_key_td, s.t * s.d);
      clear(s.grad_value_td, s.t * s.d);
      for (int64_t head = kv_head * work.group(); head < (kv_head + 1) * work.group(); ++head) {
        unpack(work.query(row, head), work.score_scale(), s.query_td, s.d);
        unpack(work.output(grad_out_NA, row, head), 1.0F, s.grad_out_td, s.d);
        head_backward(s, work.length(row), work.log_sums(log_sum_HN, row, head), [&](int64_t first, int64_t count) {
          pack(s.result_bd, s.d, work.score_scale(), first, count, work.query(row, head));
        });
      }
      pack(s.grad_key_td, s.d, 1.0F, 0, work.length(row), work.key(row, kv_head));
      pack(s.grad_value_td, s.d, 1.0F, 0, work.length(row), work.value(row, kv_head));
    });
  });
}

constexpr int64_t kLongestHead = 256;  // of FlashAttention-2, and of our own kernels

bool has_flash(const AttentionShape& shape, at::DeviceType device, at::ScalarType dtype) {
  return device == at::kCUDA && dtype == at::kBFloat16 && shape.head_dim % 8 == 0;
}

}  // namespace

QkvGradients Attention::backward(const at::Tensor& qkv_NW, const AttentionRows& rows, const at::Tensor& grad_out_NA,
                                 const at::Tensor& out_NA, const at::Tensor& log_sum_HN,
                                 const at::Tensor& scratch) const {
  backward_in_place(qkv_NW, rows, grad_out_NA, out_NA, log_sum_HN, scratch);
  return parts_of(qkv_NW);
}

QkvGradients Attention::parts_of(const at::Tensor& qkv_NW) const {
  const auto [heads, kv_heads, dim] = shape_;
  const at::Tensor by_head = qkv_NW.view({qkv_NW.size(0), heads + 2 * kv_heads, dim});
  return {by_head.narrow(1, 0, heads), by_head.narrow(1, heads, kv_heads),
          by_head.narrow(1, heads + kv_heads, kv_heads)};
}

std::unique_ptr<Attention> make_attention(const AttentionShape& shape, at::DeviceType device, at::ScalarType dtype) {
  if (device == at::kCPU && !has_device_kernels(device)) return std::make_unique<CpuAttention>(shape);
  STRATA_CHECK(shape.head_dim <= kLongestHead, "attention on a device has heads of up to ", kLongestHead,
               " channels; the model's have ", shape.head_dim);
  if (has_flash(shape, device, dtype)) return make_flash_attention(shape);
  return make_device_attention(shape);
}

}  // namespace strata::kernels
