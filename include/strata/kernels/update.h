#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

/// What the updates of all optimizers have in common: arithmetic in fp32, one rounding per stored number.
namespace strata::kernels {

/// 0-dim fp64, made on the device by clipping.
struct UpdateScale {
  at::Tensor factor;  // of the gradients
  at::Tensor apply;   // 0: nothing is changed, whatever the gradients are
};

/// How values and states of bf16 are rounded; a copy is rounded to nearest.
struct UpdateChance {
  bool stochastic = false;  // up or down by chance, and right on average
  uint64_t random_key = 0;  // another one for every update
  int64_t first = 0;        // place in the arena of the first element; chance depends on key, place and array alone
};

}  // namespace strata::kernels
