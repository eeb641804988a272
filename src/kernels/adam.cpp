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
          .eps = narrow(update.eps),
          .decay = update.decoupled ? 0.0F : narrow(update.decay),
          .shrink = update.decoupled ? narrow(1.0 - update.rate * update.decay) : 1.0F,
          .inverse_correction1 = narrow(1.0 / update.correction1),
          .inverse_root_correction2 = narrow(1.0 / std::sqrt(update.correction2)),
          .gradient_scale = narrow(update.gradient_scale)};
}

}  // namespace

void adam(const AdamUpdate& update, const at::Tensor& value, const at::Tensor& gradient, const at::Tensor& m,
          const at::Tensor& v, const at::Tensor& copy) {
  const AdamNumbers n = numbers(update);
  const int64_t count = value.numel();
  with_storage_type(value, [&](auto type) {
    using T = decltype(type);
    parallel_rows((count + kRange - 1) / kRange, 4, [&](int64_t range) {
      const int64_t begin = range * kRange;
      adam_range<T>(CpuExecutor{}, n, std::min(kRange, count - begin), pointer<T>(value) + begin,
                    pointer<T>(gradient) + begin, pointer<T>(m) + begin, pointer<T>(v) + begin,
                    copy.defined() ? pointer<Bf16>(copy) + begin : nullptr);
    });
  });
}

}  // namespace strata::kernels
