#pragma once

#include <memory>

#include "strata/nn/model.h"
#include "strata/optim/optimizer.h"
#include "strata/train/checkpoint_writer.h"
#include "strata/train/data_parallel.h"

namespace strata::train {

/// What a worker of a run computes with: everything that takes memory, laid out by one allocator.
struct Training {
  Training(const config::RunConfig& config, const nn::ModelSpec& spec, const kernels::Gemm& gemm,
           dist::Communicator& workers, const SaveGroup& group, Allocator& memory);
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;

  Division division;
  dist::Partition partition;
  nn::Model model;
  DataParallel parallel;
  std::unique_ptr<optim::Optimizer> optimizer;
  CheckpointWriter writer;
};

}  // namespace strata::train
