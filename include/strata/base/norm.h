#pragma once

namespace strata {

/// What a norm makes of a row x of width D. gain and bias [D] and the numbers alpha and shift [1] are parameters.
///
///   kRms    gain * x / sqrt(mean(x^2) + eps)      RMSNorm (arXiv 1910.07467)
///   kScale  gain * x                              of a branch alone: a gain without a norm
///   kTanh   gain * tanh(alpha x)                  DyT (arXiv 2503.10622)
///   kErf    gain * erf(alpha x + shift) + bias    Derf (arXiv 2512.10938)
enum class Norm { kNone, kRms, kScale, kTanh, kErf };

constexpr bool has_alpha(Norm norm) { return norm == Norm::kTanh || norm == Norm::kErf; }
constexpr bool has_shift_and_bias(Norm norm) { return norm == Norm::kErf; }

}  // namespace strata
