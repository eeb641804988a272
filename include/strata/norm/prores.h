#pragma once

#include <memory>
#include <string>

#include "strata/config/norm.h"
#include "strata/norm/scheme.h"

namespace strata::norm {

/// ProRes, progressive residual warm-up (arXiv 2603.05369), as a decorator: every branch of layer l, from 0, comes into
/// its sum alpha(l, t) times as large as under the scheme, t from 0 the number of the update:
///
///   x <- x + alpha(l, t) f(N x)      alpha(l, t) = min(t / T_l, 1),  T = linspace(W // L, W, L)
///
/// with W = norm.prores.warmup_steps and L layers, or as norm.prores.schedule says. A norm of the branch stands before
/// alpha, the scheme's factor on the skip is left as it is. All alpha are 0 in the first update: gradients are those of
/// the embedding, the head and the norms that nothing scales.
///
/// Throws config::KeyError for fewer warm-up steps than layers.
std::unique_ptr<Scheme> with_warm_up(std::unique_ptr<Scheme> scheme, const config::ProResConfig& config,
                                     config::NormInit init);

/// alpha of a layer as a function of the update.
Ramp prores_ramp(const config::ProResConfig& config, int64_t layer, int64_t layers);

}  // namespace strata::norm
