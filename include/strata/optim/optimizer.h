#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "strata/base/allocator.h"
#include "strata/base/parameter.h"
#include "strata/config/optimizer.h"
#include "strata/optim/clipping.h"

namespace strata::optim {

/// The flat arenas that an update reads and writes, all of one layout.
struct UpdateArenas {
  at::Tensor values;
  at::Tensor gradients;
  at::Tensor copy;  // bf16 copy of the values that the update refreshes; undefined: none
};

/// Turns gradients into updates. Its states are flat arenas of the parameters' layout, so that checkpoints and sharding
/// need to know nothing else about it.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// Update number `step`, from 0, with learning rate `rate` and gradients scaled by `clip`.
  virtual void update(const UpdateArenas& arenas, int64_t step, double rate, const ClipFactors& clip) = 0;

  struct State {
    std::string name;
    at::Tensor arena;
  };
  virtual const std::vector<State>& states() const = 0;
};

/// States are of the dtype given. The layout must outlive the optimizer.
std::unique_ptr<Optimizer> make_optimizer(const config::OptimizerConfig& config, const std::vector<ParamSpec>& params,
                                          int64_t arena_size, at::ScalarType dtype, Allocator& allocator);

}  // namespace strata::optim
