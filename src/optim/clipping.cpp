#include "strata/optim/clipping.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace strata::optim {
namespace {

double factor(double limit, double norm) { return limit > 0.0 ? std::min(1.0, limit / (norm + 1e-6)) : 1.0; }

}  // namespace

GradientNorms gradient_norms(const std::vector<ParamSpec>& params, ArenaMeasure gradients) {
  double all = 0.0, gates = 0.0;
  for (size_t i = 0; i < params.size(); ++i) {
    all += gradients.squares[i];
    if (params[i].role == ParameterRole::kGate) gates += gradients.squares[i];
  }
  GradientNorms norms{.gradients = std::move(gradients)};
  norms.global = std::sqrt(all);
  norms.gates = std::sqrt(gates);
  norms.finite = std::isfinite(all);
  return norms;
}

ClipFactors clip_factors(const config::ClipConfig& limits, const GradientNorms& norms) {
  const double global = factor(limits.global, norms.global);
  return {.global = global, .gates = global * factor(limits.gates, global * norms.gates)};
}

}  // namespace strata::optim
