#include "strata/kernels/rotary.h"

#include <ATen/ops/empty.h>

#include <cmath>

#include "cpu_executor.h"
#include "rotary.inl"
#include "tensor_access.h"

namespace strata::kernels {

void fill_rotary_table(const at::Tensor& table, double theta) {
  const int64_t positions = table.size(1);
  const int64_t half = table.size(2);
  const at::Tensor values = table.is_cpu() ? table : at::empty(table.sizes(), at::kFloat);
  auto* cosine = pointer<float>(values);
  float* sine = cosine + positions * half;
  for (int64_t j = 0; j < half; ++j) {
    const double frequency = std::pow(theta, -static_cast<double>(j) / static_cast<double>(half));
    for (int64_t position = 0; position < positions; ++position) {
      const double angle = static_cast<double>(position) * frequency;
      cosine[position * half + j] = static_cast<float>(std::cos(angle));
      sine[position * half + j] = static_cast<float>(std::sin(angle));
    }
  }
  if (!values.is_same(table)) table.copy_(values);
}

void rotate(const at::Tensor& heads_NW, int64_t heads, const at::Tensor& positions_N, const at::Tensor& table,
            bool inverse) {
  const int64_t half = table.size(2);
  const int64_t stride = heads_NW.stride(0);
  const auto* positions = pointer<int32_t>(positions_N);
  const auto* cosine = pointer<float>(table);
  const float* sine = cosine + table.size(1) * half;
  const float sign = inverse ? -1.0F : 1.0F;
  if (const DeviceKernels* device = device_kernels(heads_NW)) {
    return device->rotate(array(heads_NW), heads_NW.size(0), stride, heads, half, positions, cosine, sine, sign);
  }
  with_storage_type(heads_NW, [&](auto type) {
    auto* base = pointer<decltype(type)>(heads_NW);
    parallel_rows(heads_NW.size(0), 16, [&](int64_t n) {
      const int64_t angle = positions[n] * half;
      for (int64_t head = 0; head < heads; ++head) {
        rotate_head(CpuExecutor{}, base + n * stride + head * 2 * half, base + n * stride + head * 2 * half,
                    cosine + angle, sine + angle, half, sign);
      }
    });
  });
}

void store_rotated_back(const at::Tensor& qkv_NW, const at::Tensor& grad_query_NHd, const at::Tensor& grad_key_NKd,
                        const at::Tensor& grad_value_NKd, const at::Tensor& positions_N, const at::Tensor& table) {
  STRATA_ASSERT(grad_query_NHd.is_contiguous() && grad_key_NKd.is_contiguous() && grad_value_NKd.is_contiguous());
  with_storage_type(qkv_NW, [&](auto type) {
    using T = decltype(type);
    const auto* cosine = pointer<float>(table);
    const QkvGradients<T> gradients{.rows = pointer<T>(qkv_NW),
                                    .stride = qkv_NW.stride(0),
                                    .query = pointer<T>(grad_query_NHd),
                                    .key = pointer<T>(grad_key_NKd),
                                    .value = pointer<T>(grad_value_NKd),
                                    .heads = grad_query_NHd.size(1),
                                    .kv_heads = grad_key_NKd.size(1),
                                    .half = table.size(2),
                                    .positions = pointer<int32_t>(positions_N),
                                    .cosine = cosine,
                                    .sine = cosine + table.size(1) * table.size(2)};
    const int64_t tokens = qkv_NW.size(0);
    if (const DeviceKernels* device = device_kernels(qkv_NW)) return device->store_rotated_back(gradients, tokens);
    parallel_rows(tokens, 16, [&](int64_t n) {
      for (int64_t head = 0; head < gradients.heads + 2 * gradients.kv_heads; ++head) {
        store_head_rotated_back(CpuExecutor{}, gradients, n, head);
      }
    });
  });
}

}  // namespace strata::kernels
