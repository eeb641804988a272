#pragma once

#include <cstdint>

namespace at {
class Tensor;
}

namespace strata::kernels {

/// Where in an outcome is what clipping has made of a step's gradients. The numbers stay on the device: the update
/// reads its factor there, the host reads all of them when it comes to it.
enum ClipNumber : int64_t {
  kGlobalNorm,    // of the gradients, before clipping
  kGateNorm,      // of the gates' gradients, before clipping
  kGlobalFactor,  // what gradients are multiplied by
  kGateFactor,    // and those of the gates, the global factor included
  kFinite,        // 1: loss and norms are; else 0
  kApply,         // 1: the update is to be made; else 0
  kHalted,        // 1: no update is made any more
  kClipNumbers
};

/// L2 norms that gradients are cut to, 0: none: of all of them, and then of the gates (GPAS, appendix; the order of the
/// paper's code). Each factor is min(1, limit / (norm + 1e-6)); the gates' norm is the one after the first clipping.
struct ClipRule {
  double global_limit = 0.0;
  double gate_limit = 0.0;
  bool halts = false;  // what is not finite ends the run: no later update is made before the host has noticed
};

/// Norms, factors and what is to be done. outcome: fp64 [kClipNumbers], written; of it kHalted is read as well.
/// loss: 0-dim fp64. squares_P: fp64, the sum of squares of each parameter's gradient, added up in order.
/// is_gate_P: bool.
void clip(const at::Tensor& outcome, const ClipRule& rule, const at::Tensor& loss, const at::Tensor& squares_P,
          const at::Tensor& is_gate_P);

}  // namespace strata::kernels
