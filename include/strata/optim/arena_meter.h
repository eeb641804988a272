#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "strata/base/parameter.h"
#include "strata/dist/communicator.h"
#include "strata/kernels/sum_of_squares.h"

namespace strata::optim {

/// What is measured of an arena (gradients or parameters), in the layout's order.
struct ArenaMeasure {
  std::vector<double> squares;  // of each parameter: the sum over its elements
  std::vector<double> gates;    // the value of each gate
};

/// Measures arenas of one layout, shared by workers: each computes some of the blocks, and all of them learn the same.
/// Blocks are added in order in fp64, so that bits depend neither on the number of workers nor on that of threads.
class ArenaMeter {
 public:
  /// mine: the ranges that this worker is to measure, rising, of whole blocks, and with the other workers' together all.
  /// `workers` must outlive the meter.
  ArenaMeter(const std::vector<ParamSpec>& params, const std::vector<ArenaRange>& mine, dist::Communicator& workers);

  /// A collective.
  ArenaMeasure measure(const at::Tensor& arena);

 private:
  std::vector<size_t> ranges_;             // of each block: its parameter
  std::vector<kernels::RangeBlock> mine_;  // in one run of blocks for each of the ranges that are mine
  std::vector<size_t> places_;             // of each of mine_: which block of all
  std::vector<int64_t> gates_;             // their offsets
  std::vector<bool> gate_is_mine_;
  size_t num_params_;
  dist::Communicator& workers_;
  std::vector<float> squares_;  // of mine_
  at::Tensor exchanged_;        // squares of all blocks, then gates; nought where they are not mine
};

}  // namespace strata::optim
