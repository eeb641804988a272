#include "strata/optim/optimizer.h"

#include "adam.h"

namespace strata::optim {

std::unique_ptr<Optimizer> make_optimizer(const config::OptimizerConfig& config, const Trained& trained,
                                          const std::vector<ArenaRange>& ranges, at::ScalarType dtype, uint64_t seed,
                                          Allocator& allocator) {
  switch (config.kind) {
    case config::OptimizerKind::kAdam:
    case config::OptimizerKind::kAdamw:
      return std::make_unique<Adam>(config, trained, ranges, dtype, seed, allocator);
    default:
      break;
  }
  return nullptr;
}

}  // namespace strata::optim
