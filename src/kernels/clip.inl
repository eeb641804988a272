// What clipping decides, once the squares are added up.
#pragma once

#include "scalar.inl"
#include "strata/kernels/clip.h"

namespace strata::kernels {

// min(1, limit / (scale * norm + 1e-6)), the divisor rounded once on whatever computes it.
STRATA_KFN double clip_factor(double limit, double scale, double norm) {
  const double factor = limit / fma(scale, norm, 1e-6);
  return limit > 0.0 && factor < 1.0 ? factor : 1.0;
}

STRATA_KFN void decide(const ClipRule& rule, double loss, double squares, double gate_squares, double* outcome) {
  const double norm = sqrt(squares), gate_norm = sqrt(gate_squares);
  const double factor = clip_factor(rule.global_limit, 1.0, norm);
  const bool finite = loss - loss == 0.0 && squares - squares == 0.0;  // of NaN and infinity the difference is NaN
  const bool halted = outcome[kHalted] != 0.0 || (rule.halts && !finite);
  outcome[kGlobalNorm] = norm;
  outcome[kGateNorm] = gate_norm;
  outcome[kGlobalFactor] = factor;
  outcome[kGateFactor] = factor * clip_factor(rule.gate_limit, factor, gate_norm);
  outcome[kFinite] = finite ? 1.0 : 0.0;
  outcome[kApply] = finite && !halted ? 1.0 : 0.0;
  outcome[kHalted] = halted ? 1.0 : 0.0;
}

}  // namespace strata::kernels
