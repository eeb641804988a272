#include "strata/kernels/adam.h"

#include <algorithm>
#include <cmath>

#include "adam.inl"
#include "cpu_executor.h"
#include "tensor_access.h"

namespace strata::kernels {
namespace {

constexpr int64_t kRange = 16384;  // elements a task

AdamNumbers numbers(const AdamUpdate& update, double factor) {
  const auto narrow = [](double value) { return static_cast<float>(value); };
  return {.rate = narrow(update.rate),
          .beta1 = narrow(update.beta1),
          .beta2 = narrow(update.beta2),
          .eps = narrow(update.eps),
          .decay = update.decoupled ? 0.0F : narrow(update.decay),
          .shrink = update.decoupled ? narrow(1.0 - update.rate * update.decay) : 1.0F,
          .inverse_correction1 = narrow(1.0 / update.correction1),
          .inverse_root_correction2 = narrow(1.0 / std::sqrt(update.correction2)),
          .gradient_scale = narrow(factor),
          .key = update.random_key};
}

}  // namespace

void adam(const AdamUpdate& update, const AdamArrays& arrays, const AdamScale& scale) {
  if (*pointer<double>(scale.apply) == 0.0) return;
  const AdamNumbers n = numbers(update, *pointer<double>(scale.factor));
  const int64_t count = arrays.value.numel();
  with_storage_type(arrays.value, [&](auto type) {
    with_flag(update.stochastic, [&](auto stochastic) {
      using T = decltype(type);
      parallel_rows((count + kRange - 1) / kRange, 4, [&](int64_t range) {
        const int64_t begin = range * kRange;
        adam_range<decltype(stochastic)::value>(
            CpuExecutor{}, n, update.first + begin, std::min(kRange, count - begin), pointer<T>(arrays.value) + begin,
            pointer<T>(arrays.gradient) + begin, pointer<T>(arrays.m) + begin, pointer<T>(arrays.v) + begin,
            arrays.copy.defined() ? pointer<Bf16>(arrays.copy) + begin : nullptr);
      });
    });
  });
}

}  // namespace strata::kernels
