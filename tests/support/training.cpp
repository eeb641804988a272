#include "support/training.h"

namespace strata::test {

LoneTraining::LoneTraining(const config::RunConfig& config, nn::Model& model, Allocator& memory)
    : partitions(config, model.spec(), 0, 1),
      parallel(config.parallel, train::divide(config, 1), partitions, model.parameters(), *workers, memory),
      optimizer(optim::make_optimizer(
          config.optimizer, train::trained_params(config, model.spec().layout, model.spec().trained), parallel.mine,
          model.parameters().master().scalar_type(), static_cast<uint64_t>(config.run.seed), memory)) {}

}  // namespace strata::test
