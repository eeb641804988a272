#include "strata/optim/optimizer.h"

#include "adam.h"

namespace strata::optim {

std::unique_ptr<Optimizer> make_optimizer(const config::OptimizerConfig& config, const std::vector<ParamSpec>& params,
                                          int64_t arena_size, at::ScalarType dtype, Allocator& allocator) {
  switch (config.kind) {
    case config::OptimizerKind::kAdam:
    case config::OptimizerKind::kAdamw:
      return std::make_unique<Adam>(config, params, arena_size, dtype, allocator);
  }
  return nullptr;
}

}  // namespace strata::optim
