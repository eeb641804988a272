#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "strata/base/phase_clock.h"
#include "strata/kernels/gemm.h"

namespace strata::kernels {

/// A call that a GPU gets: of a kernel, for a matrix product, or for an operation of ATen.
struct Launch {
  std::string kernel = {};      // "junction, backward", "gemm", "zero_"
  std::string phase = {};       // of the PhaseClock; empty: none
  int64_t launches = 1;         // that the call makes
  double bytes = 0.0;           // that have to move between memory and processor: each array once
  double flops = 0.0;           // of matrix products, those inside attention too
  int64_t m = 0, n = 0, k = 0;  // of a matrix product: a_MK b_KN
};

/// FLOPs of causal attention's two products, forward, in rows of this length: half of the scores are there.
constexpr double causal_flops(int64_t tokens, int64_t row, int64_t heads, int64_t head_dim) {
  return 2.0 * static_cast<double>(tokens * row * heads * head_dim);
}

/// Adds to the log that is being written, if one is: for what calls a library.
void log_launch(const Launch& launch);

/// While one lives, what is asked of tensors on the device `meta`, which have no memory, is written down in place of
/// being computed, as a GPU would be asked: so a step's work is counted by the code that will ask for it. One at a
/// time; of the thread that made it.
class LaunchLog {
 public:
  LaunchLog();
  ~LaunchLog();
  LaunchLog(const LaunchLog&) = delete;
  LaunchLog& operator=(const LaunchLog&) = delete;

  /// What products have to be made with.
  const Gemm& gemm() const { return *gemm_; }
  /// Phases of this clock are those of launches from now on.
  void follow(PhaseClock& clock);
  /// What was written down since the last time.
  std::vector<Launch> take();

 private:
  std::unique_ptr<Gemm> gemm_;
  uint64_t callback_ = 0;
};

}  // namespace strata::kernels
