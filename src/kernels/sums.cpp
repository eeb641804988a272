#include "strata/kernels/sums.h"

#include <cmath>

#include "cpu_executor.h"
#include "tensor_access.h"

namespace strata::kernels {

void add_sum(const at::Tensor& total, const at::Tensor& values_T, const at::Tensor& scale) {
  const auto* values = pointer<float>(values_T);
  if (const DeviceKernels* device = device_kernels(values_T)) {
    return device->add_sum(pointer<double>(total), values, values_T.numel(), pointer<double>(scale));
  }
  double sum = 0.0;
  for (int64_t t = 0; t < values_T.numel(); ++t) sum += static_cast<double>(values[t]);
  auto* to = pointer<double>(total);
  *to = std::fma(scale.defined() ? *pointer<double>(scale) : 1.0, sum, *to);
}

void add_rows(const at::Tensor& sums_K, const at::Tensor& rows_NK) {
  const auto* row = pointer<float>(rows_NK);
  auto* sums = pointer<double>(sums_K);
  const int64_t columns = rows_NK.size(1);
  if (const DeviceKernels* device = device_kernels(rows_NK)) {
    return device->add_rows(sums, row, rows_NK.size(0), columns);
  }
  for (int64_t n = 0; n < rows_NK.size(0); ++n, row += columns) {
    for (int64_t k = 0; k < columns; ++k) sums[k] += static_cast<double>(row[k]);
  }
}

void sums_of_runs(const at::Tensor& sums_P, const at::Tensor& values_B, const at::Tensor& starts_P1) {
  const auto* values = pointer<float>(values_B);
  const auto* starts = pointer<int64_t>(starts_P1);
  auto* sums = pointer<double>(sums_P);
  if (const DeviceKernels* device = device_kernels(values_B)) {
    return device->sums_of_runs(sums, values, starts, sums_P.numel());
  }
  for (int64_t p = 0; p < sums_P.numel(); ++p) {
    sums[p] = 0.0;
    for (int64_t b = starts[p]; b < starts[p + 1]; ++b) sums[p] += static_cast<double>(values[b]);
  }
}

void sums_of_squares(const at::Tensor& squares_B, const at::Tensor& flat, const at::Tensor& blocks_B2) {
  const auto* blocks = pointer<int64_t>(blocks_B2);
  auto* squares = pointer<float>(squares_B);
  if (const DeviceKernels* device = device_kernels(flat)) {
    return device->sums_of_squares(squares, array(flat), blocks, blocks_B2.size(0));
  }
  with_storage_type(flat, [&](auto type) {
    const auto* data = pointer<decltype(type)>(flat);
    parallel_rows(blocks_B2.size(0), 16, [&](int64_t b) {
      const auto* block = data + blocks[2 * b];
      squares[b] = CpuExecutor{}.sum<1>(blocks[2 * b + 1], [&](int64_t i) {
        const float value = widen(block[i]);
        return sums(value * value);
      })[0];
    });
  });
}

void values_at(const at::Tensor& values_G, const at::Tensor& flat, const at::Tensor& places_G) {
  const auto* places = pointer<int64_t>(places_G);
  auto* values = pointer<float>(values_G);
  if (const DeviceKernels* device = device_kernels(flat)) {
    return device->values_at(values, array(flat), places, places_G.numel());
  }
  with_storage_type(flat, [&](auto type) {
    const auto* data = pointer<decltype(type)>(flat);
    for (int64_t g = 0; g < places_G.numel(); ++g) values[g] = places[g] < 0 ? 0.0F : widen(data[places[g]]);
  });
}

}  // namespace strata::kernels
