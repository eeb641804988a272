#include "support/training.h"

namespace strata::test {

LoneTraining::LoneTraining(const config::RunConfig& config, const nn::Model& model, Allocator& memory)
    : partition(train::partition_of(config, model.spec().layout, 0, 1)),
      parallel(config.parallel, train::divide(config, 1), partition, model.parameters(), *workers, memory),
      optimizer(optim::make_optimizer(config.optimizer, model.spec().layout.params, parallel.mine,
                                      model.parameters().master().scalar_type(), static_cast<uint64_t>(config.run.seed),
                                      memory)) {}

}  // namespace strata::test
