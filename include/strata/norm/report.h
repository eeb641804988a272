#pragma once

#include "strata/base/table.h"
#include "strata/norm/wiring.h"

namespace strata::norm {

/// One line per junction: between which branches, the numbers of norm/junction.h's equation, and which parameter each
/// norm and the gate uses. A run of layers that do the same is one line.
Table junction_table(const Wiring& wiring);

}  // namespace strata::norm
