#include "strata/kernels/rotary.h"

#include <ATen/ops/empty.h>

#include <cmath>

#include "cpu_executor.h"
#include "rotary_pointers.h"
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

void rotate(const at::Tensor& heads_NW, int64_t heads, const Rotation& rotation, bool inverse) {
  const Angles angles = angles_of(rotation);
  const int64_t stride = heads_NW.stride(0);
  const float sign = inverse ? -1.0F : 1.0F;
  if (const DeviceKernels* device = device_kernels(heads_NW)) {
    return device->rotate(array(heads_NW), heads_NW.size(0), stride, heads, angles, sign);
  }
  with_storage_type(heads_NW, [&](auto type) {
    auto* base = pointer<decltype(type)>(heads_NW);
    parallel_rows(heads_NW.size(0), 16, [&](int64_t n) {
      rotate_heads(CpuExecutor{}, base + n * stride, base + n * stride, heads, angles, n, sign);
    });
  });
}

void store_rotated_back(const at::Tensor& qkv_NW, const QkvGradients& gradients, const Rotation& rotation) {
  with_storage_type(qkv_NW, [&](auto type) {
    const auto rows = gradient_rows<decltype(type)>(qkv_NW, gradients, rotation);
    const int64_t tokens = qkv_NW.size(0);
    if (const DeviceKernels* device = device_kernels(qkv_NW)) return device->store_rotated_back(rows, tokens);
    parallel_rows(tokens, 16, [&](int64_t n) {
      for (int part = 0; part < kQkvParts; ++part) {
        store_heads_rotated_back(CpuExecutor{}, rows, part, n, 0, rows.part[part].heads);
      }
    });
  });
}

}  // namespace strata::kernels
