#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

#include "strata/base/allocator.h"
#include "strata/base/parameter.h"
#include "strata/workers/communicator.h"

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
  /// mine: the ranges that this worker is to measure, rising, of whole blocks, and with the other workers' together
  /// all. end_to_end: what is measured has only these, end to end. `workers` must outlive the meter.
  ArenaMeter(const std::vector<ParamSpec>& params, const std::vector<ArenaRange>& mine, bool end_to_end,
             workers::Communicator& workers, Allocator& allocator);

  /// How many numbers a measure has: the squares of P parameters, then the values of G gates.
  int64_t num_numbers() const { return num_params_ + num_gates_; }
  /// A collective, which waits for no device. numbers: flat fp64, on the arena's.
  void measure(const at::Tensor& numbers, const at::Tensor& arena);

  /// Of such numbers, the squares.
  at::Tensor squares_P(const at::Tensor& numbers) const { return numbers.narrow(0, 0, num_params_); }
  /// Which parameters are gates: bool, on the device.
  const at::Tensor& is_gate_P() const { return is_gate_P_; }
  /// Such numbers, in the host's memory.
  ArenaMeasure measure_of(std::span<const double> numbers) const;

 private:
  int64_t num_params_;
  int64_t num_gates_ = 0;
  workers::Communicator& workers_;
  at::Tensor blocks_B2_;  // of all; those of other workers are empty
  at::Tensor starts_P1_;  // the first block of each parameter
  at::Tensor gates_G_;    // where gates lie; -1: with another worker
  at::Tensor is_gate_P_;
  at::Tensor exchanged_;  // squares of the blocks, then gates; nought where they are not mine
};

}  // namespace strata::optim
