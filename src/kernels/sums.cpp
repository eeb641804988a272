#include "strata/kernels/sums.h"

#include <cmath>

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

}  // namespace strata::kernels
