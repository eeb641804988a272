#include "attention_on_device.h"
#include "tensor_access.h"

namespace strata::kernels {
namespace {

class DeviceAttention final : public Attention {
 public:
  using Attention::Attention;

  const char* name() const override { return "strata"; }

  int64_t scratch_size(int64_t max_tokens, int64_t) const override {
    return max_tokens * shape().heads * (1 + shape().head_dim);
  }

  void forward(const at::Tensor& out_NA, const at::Tensor& log_sum_HN, const AttentionRows& rows,
               const at::Tensor& qkv_NW, const at::Tensor&) const override {
    with_storage_type(qkv_NW, [&](auto type) {
      device_kernels(qkv_NW)->attention_forward(arrays<decltype(type)>(rows, qkv_NW, out_NA, log_sum_HN));
    });
  }

  void backward_in_place(const at::Tensor& qkv_NW, const AttentionRows& rows, const at::Tensor& grad_out_NA,
                         const at::Tensor& out_NA, const at::Tensor& log_sum_HN,
                         const at::Tensor& scratch) const override {
    with_storage_type(qkv_NW, [&](auto type) {
      using T = decltype(type);
      auto* delta = pointer<float>(scratch);
      device_kernels(qkv_NW)->attention_backward(arrays<T>(rows, qkv_NW, out_NA, log_sum_HN),
                                                 {.grad_out = pointer<T>(grad_out_NA),
                                                  .delta = delta,
                                                  .grad_query = delta + qkv_NW.size(0) * shape().heads,
                                                  .qkv_gradient = pointer<T>(qkv_NW)});
    });
  }

 private:
  template <class T>
  AttentionArrays<T> arrays(const AttentionRows& rows, const at::Tensor& qkv_NW, const at::Tensor& out_NA,
                            const at::Tensor& log_sum_HN) const {
    return {.heads = shape().heads,
            .kv_heads = shape().kv_heads,
            .head_dim = shape().head_dim,
            .tokens = qkv_NW.size(0),
            .rows = static_cast<int64_t>(rows.starts.size()) - 1,
            .longest_row = rows.longest,
            .row_starts = pointer<int32_t>(rows.starts_on_device),
            .qkv = pointer<T>(qkv_NW),
            .stride = qkv_NW.stride(0),
            .out = pointer<T>(out_NA),
            .log_sum = pointer<float>(log_sum_HN)};
  }
};

}  // namespace

std::unique_ptr<Attention> make_device_attention(const AttentionShape& shape) {
  return std::make_unique<DeviceAttention>(shape);
}

}  // namespace strata::kernels
