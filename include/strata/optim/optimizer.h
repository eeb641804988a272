#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "strata/base/allocator.h"
#include "strata/base/parameter.h"
#include "strata/config/optimizer.h"

namespace strata::optim {

/// The flat arenas that an update reads and writes, all of one layout.
struct UpdateArenas {
  at::Tensor values;
  at::Tensor gradients;
  at::Tensor copy;  // bf16 copy of the values that the update refreshes; undefined: none
};

/// Turns gradients into updates, of some ranges of the arenas. Its states are flat and hold these ranges one after
/// another, so that checkpoints and sharding need to know nothing else about it.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// Update number `step`, from 0, with learning rate `rate`. clip: what kernels::clip made of the gradients; it says
  /// by what they are scaled, and whether anything is changed at all.
  virtual void update(const UpdateArenas& arenas, int64_t step, double rate, const at::Tensor& clip) = 0;

  struct State {
    std::string name;
    at::Tensor values;  // of ranges(), laid end to end
  };
  virtual const std::vector<ArenaRange>& ranges() const = 0;
  virtual const std::vector<State>& states() const = 0;
};

/// For the whole of the ranges given, which rise. States are of the dtype given. seed: of stochastic rounding.
std::unique_ptr<Optimizer> make_optimizer(const config::OptimizerConfig& config, const std::vector<ParamSpec>& params,
                                          const std::vector<ArenaRange>& ranges, at::ScalarType dtype, uint64_t seed,
                                          Allocator& allocator);

}  // namespace strata::optim
