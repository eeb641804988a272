#pragma once

#include "strata/train/written_files.h"

namespace strata::run {

/// run.json (strata/run/record.h).
const train::WrittenFile& record_fields();

}  // namespace strata::run
