#include "strata/kernels/sum_of_squares.h"

#include "cpu_executor.h"
#include "tensor_access.h"

namespace strata::kernels {

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
