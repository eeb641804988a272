#include "support/training.h"

#include "strata/train/training.h"

namespace strata::test {

LoneTraining::LoneTraining(const config::RunConfig& config, nn::Model& model, Allocator& memory)
    : partitions(config, model.spec(), 0, 1),
      parallel(config.parallel, train::divide(config, 1), partitions, model.parameters(), *workers, memory),
      optimizer(optim::make_optimizer(train::setup_of(config, model.parameters(), *gemm, at::kCPU),
                                      train::trained_params(config, model.spec().layout, model.spec().trained),
                                      parallel.mine, memory)) {}

}  // namespace strata::test
