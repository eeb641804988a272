#pragma once

#include <ATen/core/Tensor.h>

#include <span>

#include "strata/base/allocator.h"
#include "strata/train/division.h"
#include "strata/workers/communicator.h"

namespace strata::train {

/// What the micro-batches of a step add up: views of numbers on the device, fp64.
struct StepSums {
  explicit StepSums(const at::Tensor& sums_K) : loss(sums_K[0]), layers(sums_K.narrow(0, 1, sums_K.numel() - 1)) {}

  at::Tensor loss;    // 0-dim
  at::Tensor layers;  // LayerStatistics'
};

/// The numbers that a step makes and the host reads later: views of one flat fp64 tensor on the device, so that one
/// copy brings all that is read.
struct StepNumbers {
  /// of_gradients, of_parameters: how many numbers optim::ArenaMeter makes of each.
  StepNumbers(const Division& division, const workers::Communicator& workers, int64_t layers, int64_t of_gradients,
              int64_t of_parameters, Allocator& allocator);

  at::Tensor outcome;     // of clipping: kernels::ClipNumber
  at::Tensor gradients;   // as measured
  at::Tensor parameters;  // after the update, where layers are looked at
  at::Tensor sums_SK;     // the StepSums of each virtual rank; the first row becomes their sum
  at::Tensor for_host;    // all but the other rows

  at::Tensor scales_M;  // not among them: what each micro-batch of this worker counts in the loss

  /// Of one of this worker's virtual ranks, counted from its first.
  StepSums of_virtual_rank(int64_t rank) const { return StepSums(sums_SK[first_virtual_rank + rank]); }
  /// Of the step, once the rows are added up.
  StepSums total() const { return StepSums(sums_SK[0]); }

  int64_t first_virtual_rank;  // this worker's

  /// Where the same is in a copy of for_host.
  struct OnHost {
    std::span<const double> outcome, gradients, parameters;
    double loss;
    std::span<const double> layers;
  };
  OnHost on_host(const at::Tensor& copy) const;
};

}  // namespace strata::train
