// The norms of junctions over one row, forward and backward. base/norm.h has the equations.
#pragma once

#include <type_traits>

#include "lanes.inl"
#include "strata/base/norm.h"

namespace strata::kernels {

template <class T>
STRATA_KFN T* at_row(T* base, int64_t row, int64_t width) {
  return base == nullptr ? nullptr : base + row * width;
}

STRATA_KFN float reciprocal_rms(float sum_of_squares, int64_t width, float eps) {
  return 1.0F / sqrtf(sum_of_squares / static_cast<float>(width) + eps);
}

// Normalise in fp32, round, multiply by the gain, round: the order of Hugging Face's LlamaRMSNorm.
template <class T, class Value, class Index>
STRATA_KFN Value normalised(const Value& value, float rstd, const T* gain, Index i) {
  return rounded<T>(rounded<T>(rstd * value) * read(gain, i));
}

/// A norm as kernels take it. Pointers to what its kind does not have are nullptr.
template <class T>
struct NormPointers {
  Norm kind;
  const T *gain, *bias, *alpha, *shift;
};

/// f(kind) with the norm's kind as a constant, where the loops in f are to become vectors; on a device it is a value.
template <class Exec, class F>
STRATA_KFN void with_kind(Exec, Norm kind, F&& f) {
  if constexpr (Exec::kLoops) {
    switch (kind) {
      case Norm::kNone:
        return f(std::integral_constant<Norm, Norm::kNone>{});
      case Norm::kRms:
        return f(std::integral_constant<Norm, Norm::kRms>{});
      case Norm::kScale:
        return f(std::integral_constant<Norm, Norm::kScale>{});
      case Norm::kTanh:
        return f(std::integral_constant<Norm, Norm::kTanh>{});
      case Norm::kErf:
        return f(std::integral_constant<Norm, Norm::kErf>{});
    }
  } else {
    f(kind);
  }
}

/// The numbers of a norm over one row.
struct NormNumbers {
  float rstd, alpha, shift;
};

template <class T>
STRATA_KFN NormNumbers norm_numbers(const NormPointers<T>& norm, float rstd) {
  return {rstd, norm.alpha == nullptr ? 0.0F : widen(*norm.alpha), norm.shift == nullptr ? 0.0F : widen(*norm.shift)};
}

/// norm(x) at element i (base/norm.h).
template <class T, class Value, class Index>
STRATA_KFN Value norm_of(Norm kind, const NormPointers<T>& norm, const NormNumbers& numbers, const Value& x, Index i) {
  if (kind == Norm::kRms) return normalised(x, numbers.rstd, norm.gain, i);
  if (kind == Norm::kScale) return rounded<T>(x * read(norm.gain, i));
  if (kind == Norm::kTanh) return rounded<T>(hyperbolic_tangent(numbers.alpha * x) * read(norm.gain, i));
  if (kind == Norm::kErf) {
    return rounded<T>(error_function(numbers.alpha * x + numbers.shift) * read(norm.gain, i) + read(norm.bias, i));
  }
  return x;
}

/// Where sums over rows of the gradients of one norm's parameters stand.
template <class Pointer>
struct NormSums {
  Pointer gain, bias, alpha, shift;
};

template <class Pointer, class Index, class Value>
STRATA_KFN void add_to(Pointer sums, Index i, const Value& value) {
  write(sums, i, read(sums, i) + value);
}

/// store(i, dL/dx), from upstream(i), dL/dnorm(x), and x(i), and what the row adds to the gradients of parameters.
template <class Kind, class T, class Exec, class Pointer, class Upstream, class X, class Store>
STRATA_KFN void norm_backward_row(Exec exec, Kind kind, int64_t width, const NormPointers<T>& norm,
                                  const NormNumbers& numbers, const Upstream& upstream, const X& x, const Store& store,
                                  const NormSums<Pointer>& sum) {
  if (kind == Norm::kNone) return exec.each(width, [&](auto i) { store(i, upstream(i)); });
  // What the gain multiplies, and for a function of alpha x + shift its slope by that.
  const auto value = [&](const auto& x) {
    if (kind == Norm::kRms) return numbers.rstd * x;
    if (kind == Norm::kTanh) return hyperbolic_tangent(numbers.alpha * x);
    if (kind == Norm::kErf) return error_function(numbers.alpha * x + numbers.shift);
    return 1.0F * x;
  };
  const auto slope = [&](const auto& x, const auto& value) {
    if (kind == Norm::kErf) return error_slope(numbers.alpha * x + numbers.shift);
    return 1.0F - value * value;
  };
  float mean = 0.0F;
  if (kind == Norm::kRms) {
    const auto dot =
        exec.template sum<1>(width, [&](auto i) { return sums(upstream(i) * read(norm.gain, i) * value(x(i))); });
    mean = dot[0] / static_cast<float>(width);
  } else if (has_alpha(kind)) {
    const auto of_numbers = exec.template sum<2>(width, [&](auto i) {
      const auto at = x(i);
      const auto grad = upstream(i) * read(norm.gain, i) * slope(at, value(at));
      return sums(grad * at, grad);
    });
    if (exec.leader()) {
      *sum.alpha += of_numbers[0];
      *sum.shift += of_numbers[1];
    }
  }
  exec.each(width, [&](auto i) {
    const auto at = x(i);
    const auto grad = upstream(i);
    const auto y = value(at);
    const auto weighted = grad * read(norm.gain, i);
    add_to(sum.gain, i, grad * y);
    if (has_shift_and_bias(kind)) add_to(sum.bias, i, grad);
    if (kind == Norm::kRms) {
      store(i, numbers.rstd * (weighted - y * mean));
    } else if (kind == Norm::kScale) {
      store(i, weighted);
    } else {
      store(i, numbers.alpha * (weighted * slope(at, y)));
    }
  });
}

}  // namespace strata::kernels
