#include "strata/optim/clipping.h"

#include <algorithm>
#include <cmath>

#include "strata/kernels/sum_of_squares.h"

namespace strata::optim {
namespace {

double factor(double limit, double norm) { return limit > 0.0 ? std::min(1.0, limit / (norm + 1e-6)) : 1.0; }

}  // namespace

GradientNorms measure_gradients(const std::vector<ParamSpec>& params, const at::Tensor& gradients) {
  std::vector<ArenaRange> ranges;
  ranges.reserve(params.size());
  for (const ParamSpec& param : params) ranges.push_back({param.offset, param.offset + param.count()});
  GradientNorms norms{.squares = kernels::sums_of_squares(gradients, ranges)};
  double all = 0.0, gates = 0.0;
  for (size_t i = 0; i < params.size(); ++i) {
    all += norms.squares[i];
    if (params[i].role == ParameterRole::kGate) gates += norms.squares[i];
  }
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
