// Where the sums over a junction's rows go: the gradients of its parameters.
#pragma once

#include <cstdint>
#include <vector>

#include "array.h"
#include "junction.inl"

namespace strata::kernels {

/// Where the sums over a junction's rows go; arrays that are nullptr are not wanted. All are of one type, which may be
/// their own. partial_sums: of junction_scratch_size.
struct NormGradientArrays {
  Array gain, bias, alpha, shift;
};
struct JunctionGradientArrays {
  NormGradientArrays branch_norm, out_norm, next_norm;
  Array gate;
  float* partial_sums;
};

/// A gradient and the place of its sums among those of a chunk (JunctionSums).
struct JunctionSum {
  enum class Kind { kRow, kNumber, kGate };

  Array gradient;
  int64_t place;
  Kind kind;
};

/// Those that are wanted.
inline std::vector<JunctionSum> wanted_sums(const JunctionGradientArrays& gradients, int64_t width, bool only_rms) {
  using Kind = JunctionSum::Kind;
  std::vector<JunctionSum> wanted;
  const auto add = [&](const Array& gradient, int64_t place, Kind kind) {
    if (gradient.data != nullptr) wanted.push_back({gradient, place, kind});
  };
  int64_t number = 0;
  for (const NormGradientArrays& norm : {gradients.branch_norm, gradients.out_norm, gradients.next_norm}) {
    const NormSumPlaces places = norm_sum_places(number++, width);
    add(norm.gain, places.gain, Kind::kRow);
    add(norm.bias, places.bias, Kind::kRow);
    add(norm.alpha, places.alpha, Kind::kNumber);
    add(norm.shift, places.shift, Kind::kNumber);
  }
  add(gradients.gate, wide_junction_sums(only_rms) * width, Kind::kGate);
  return wanted;
}

}  // namespace strata::kernels
