#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "strata/base/parameter.h"

namespace strata::kernels {

/// The sum of squares of each range of a flat fp32 or bf16 tensor. Fixed shape: blocks of 4096 elements in fp32, the
/// blocks of a range added in order in fp64. Bits do not depend on the number of threads.
std::vector<double> sums_of_squares(const at::Tensor& flat, const std::vector<ArenaRange>& ranges);

}  // namespace strata::kernels
