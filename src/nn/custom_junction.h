#pragma once

#include "nn/junction.h"

namespace strata::nn {

/// The scheme's own function. Nothing of autograd outlives a call: backward runs the function again, on the same x, f.
std::unique_ptr<Junction> make_custom_junction(const Parameters& parameters, const norm::CustomJunction& custom,
                                               const JunctionBuffers& buffers);

}  // namespace strata::nn
