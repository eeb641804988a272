#pragma once

#include "command.h"
#include "strata/study/conduct.h"

namespace strata::tools {

/// How a sweep is run, whatever it compares: --jobs and its like.
void add_conduct_options(const Command& command, study::ConductOptions& options);

/// Conducts it. Throws Stopped where a signal ended it, with 128 + signal, and with 1 where a run has failed.
void conduct_sweep(const study::SweepConfig& sweep, study::ConductOptions options);

}  // namespace strata::tools
