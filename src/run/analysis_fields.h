#pragma once

#include "strata/train/written_files.h"

namespace strata::run {

/// analysis.json (strata/run/analyze.h).
const train::WrittenFile& analysis_fields();

}  // namespace strata::run
