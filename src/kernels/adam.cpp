#include "strata/kernels/adam.h"

#include <algorithm>
#include <cmath>

#include "adam.inl"
#include "cpu_executor.h"
#include "tensor_access.h"

namespace strata::kernels {
namespace {

constexpr int64_t kRange = 16384;  // elements a task

AdamNumbers numbers(const AdamUpdate& update) {
  const auto narrow = [](double value) { return static_cast<float>(value); };
  return {.rate = narrow(update.rate),
          .beta1 = narrow(update.beta1),
          .beta2 = narrow(update.beta2),
          .rest1 = narrow(1.0 - update.beta1),
          .rest2 = narrow(1.0 - update.beta2),
          .eps = narrow(update.eps),
          .decay = update.decoupled ? 0.0F : narrow(update.decay),
          .shrink = update.decoupled ? narrow(1.0 - update.rate * update.decay) : 1.0F,
          .inverse_correction1 = narrow(1.0 / update.correction1),
          .inverse_root_correction2 = narrow(1.0 / std::sqrt(update.correction2)),
          .gradient_scale = 1.0F,
          .key = update.random_key};
}

}  // namespace

void adam(const AdamArrays& arrays, const AdamUpdate& update, const AdamScale& scale) {
  const auto* factor = pointer<double>(scale.factor);
  const auto* apply = pointer<double>(scale.apply);
  AdamNumbers n = numbers(update);
  with_storage_type(arrays.value, [&](auto type) {
    using T = decltype(type);
    const AdamPointers<T> all{.first = update.first,
                              .count = arrays.value.numel(),
                              .value = pointer<T>(arrays.value),
                              .gradient = pointer<T>(arrays.gradient),
                              .m = pointer<T>(arrays.m),
                              .v = pointer<T>(arrays.v),
                              .copy = pointer<Bf16>(arrays.copy)};
    if (const DeviceKernels* device = device_kernels(arrays.value)) {
      return device->adam(all, n, update.stochastic, factor, apply);
    }
    if (*apply == 0.0) return;
    n.gradient_scale = static_cast<float>(*factor);
    with_flag(update.stochastic, [&](auto stochastic) {
      parallel_rows((all.count + kRange - 1) / kRange, 4, [&](int64_t range) {
        const int64_t begin = range * kRange;
        adam_range<decltype(stochastic)::value>(CpuExecutor{}, n,
                                                part_of(all, begin, std::min(kRange, all.count - begin)));
      });
    });
  });
}

}  // namespace strata::kernels
