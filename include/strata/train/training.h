#pragma once

#include <memory>
#include <optional>

#include "strata/nn/model.h"
#include "strata/optim/optimizer.h"
#include "strata/train/checkpoint/writer.h"
#include "strata/train/data_parallel.h"
#include "strata/train/lisa.h"

namespace strata::train {

/// What a worker of a run computes with: everything that takes memory, laid out by one allocator.
struct Training {
  /// spec: of nn::describe(config).
  Training(const config::RunConfig& config, const nn::ModelSpec& spec, const kernels::Gemm& gemm,
           workers::Communicator& workers, const SaveGroup& group, Allocator& allocator);
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;

  Division division;
  Partitions partitions;
  nn::Model model;
  DataParallel parallel;
  std::unique_ptr<optim::Optimizer> optimizer;
  std::optional<Lisa> lisa;  // where layers train by LISA
  CheckpointWriter writer;
};

/// With what an optimizer of these parameters is made. Matrix products of its own are in fp32 on the CPU, elsewhere in
/// what the model computes in.
optim::OptimizerSetup setup_of(const config::RunConfig& config, const nn::Parameters& parameters,
                               const kernels::Gemm& gemm, at::DeviceType device);

/// A collective: begins with the layers' turns, where they take any. For a run that starts anew, with its parameters.
void begin_lisa(Training& training);

/// For a run that goes on, before its states are loaded. Throws Error where the run that was saved took none.
void restore_lisa(Training& training, const CheckpointState& saved);

}  // namespace strata::train
