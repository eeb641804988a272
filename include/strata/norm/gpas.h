#pragma once

#include <memory>

#include "strata/config/norm.h"
#include "strata/norm/scheme.h"

namespace strata::norm {

/// GPAS (arXiv 2506.22049) as a decorator: the scheme with a gate in every sub-layer.
///
///   y = h - silu(alpha) * stop_gradient(h)
///
/// init: reference starts every linear weight from N(0, 0.02), as the paper's code does under a gate.
std::unique_ptr<Scheme> with_gates(std::unique_ptr<Scheme> scheme, config::GpasPosition position,
                                   config::NormInit init);

}  // namespace strata::norm
