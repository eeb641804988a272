#pragma once

#include <memory>

#include "strata/nn/model.h"
#include "strata/optim/optimizer.h"
#include "strata/train/data_parallel.h"
#include "strata/train/lisa.h"

namespace strata::test {

/// What a model is trained with by one worker.
struct LoneTraining {
  LoneTraining(const config::RunConfig& config, nn::Model& model, Allocator& memory);

  std::unique_ptr<workers::Communicator> workers = workers::alone();
  std::unique_ptr<kernels::Gemm> gemm = kernels::make_gemm("tiles");  // the optimizer's
  train::Partitions partitions;
  train::DataParallel parallel;
  std::unique_ptr<optim::Optimizer> optimizer;
};

}  // namespace strata::test
