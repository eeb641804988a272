#pragma once

#include <functional>

#include "strata/base/parameter.h"
#include "strata/base/phase_clock.h"
#include "strata/kernels/gemm.h"

namespace strata::nn {

/// What the parts of a model compute with.
struct Engine {
  const kernels::Gemm& gemm;
  PhaseClock& clock;
  const std::function<void(ArenaRange)>& before_section;  // called before a forward reads a section's parameters

  void enter_section(const ArenaRange& section) const {
    if (before_section) before_section(section);
  }

  /// out_MN = a_MK b_KN (or +=), as part of the phase.
  void multiply(const char* phase, const at::Tensor& out_MN, const at::Tensor& a_MK, const at::Tensor& b_KN,
                bool add = false) const {
    clock.enter(phase);
    gemm.multiply(out_MN, a_MK, b_KN, add);
    clock.enter(nullptr);
  }
};

/// Names of the phases that a step's time is divided into.
namespace phase {
inline constexpr const char* kEmbedding = "embedding";
inline constexpr const char* kGemmAttention = "gemm q k v o";
inline constexpr const char* kGemmFeedForward = "gemm feed-forward";
inline constexpr const char* kGemmHead = "gemm head";
inline constexpr const char* kAttention = "attention";
inline constexpr const char* kQkvNorm = "q k v norms, rotary";
inline constexpr const char* kRotary = "rotary";
inline constexpr const char* kSwiglu = "swiglu";
inline constexpr const char* kJunction = "junctions";
inline constexpr const char* kCrossEntropy = "cross-entropy";
}  // namespace phase

}  // namespace strata::nn
