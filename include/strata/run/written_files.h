#pragma once

#include <string>
#include <vector>

#include "strata/train/written_files.h"

namespace strata::run {

/// Every file of JSON that a run writes, with its fields: of the run folder, then of a checkpoint.
std::vector<train::WrittenFile> written_files();

/// The same for people, in lines of at most 80 columns.
std::string help_of_files();

/// The same as chapters of docs/metrics.md.
std::string reference_of_files();

}  // namespace strata::run
