#pragma once

#include <ATen/core/Tensor.h>

#include <span>

#include "strata/base/allocator.h"
#include "strata/workers/communicator.h"
#include "strata/train/division.h"

namespace strata::train {

/// The numbers that a step makes and the host reads later: views of one flat fp64 tensor on the device, so that one
/// copy brings all that is read.
struct StepNumbers {
  /// of_gradients, of_parameters: how many numbers optim::ArenaMeter makes of each.
  StepNumbers(const Division& division, const workers::Communicator& workers, int64_t layers, int64_t of_gradients,
              int64_t of_parameters, Allocator& memory);

  at::Tensor outcome;     // of clipping: kernels::ClipNumber
  at::Tensor gradients;   // as measured
  at::Tensor parameters;  // after the update, where layers are looked at
  at::Tensor sums_SK;     // loss, and LayerStatistics' sums, of each virtual rank; the first row becomes their sum
  at::Tensor mine_RK;     // rows of this worker
  at::Tensor for_host;    // all but the other rows

  at::Tensor scales_M;  // not among them: what each micro-batch of this worker counts in the loss

  /// Where the same is in a copy of for_host.
  struct OnHost {
    std::span<const double> outcome, gradients, parameters, sums;
  };
  OnHost on_host(const at::Tensor& copy) const;
};

}  // namespace strata::train
