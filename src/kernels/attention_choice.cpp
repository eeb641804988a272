#include "attention_kinds.h"
#include "strata/base/check.h"
#include "strata/kernels/device.h"

namespace strata::kernels {
namespace {

constexpr int64_t kLongestHead = 256;  // of FlashAttention-2, and of our own kernels

bool has_flash(const AttentionShape& shape, at::DeviceType device, at::ScalarType dtype) {
  return device == at::kCUDA && dtype == at::kBFloat16 && shape.head_dim % 8 == 0;
}

}  // namespace

std::unique_ptr<Attention> make_attention(const AttentionShape& shape, at::DeviceType device, at::ScalarType dtype) {
  if (device == at::kCPU && !has_device_kernels(device)) return make_cpu_attention(shape);
  STRATA_CHECK(shape.head_dim <= kLongestHead, "attention on a device has heads of up to ", kLongestHead,
               " channels; the model's have ", shape.head_dim);
  if (has_flash(shape, device, dtype)) return make_flash_attention(shape);
  return make_device_attention(shape);
}

}  // namespace strata::kernels
