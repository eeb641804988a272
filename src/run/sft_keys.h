#pragma once

#include <vector>

#include "strata/config/run_config.h"
#include "strata/data/samples/blocks.h"
#include "strata/data/samples/instructions.h"
#include "strata/io/tensor_files.h"

namespace strata::run {

// What keys of a fine-tuning config stand for. All throw UsageError, naming the key.

/// The records of sft.data, once the config is one that can be fine-tuned with.
std::vector<data::Instruction> read_records(const config::RunConfig& config);

/// The weights of sft.model. Throws Error where they are not that model's.
io::TensorFiles sound_weights(const config::RunConfig& config);

data::SampleOptions options_of(const config::RunConfig& config);

/// train.steps, where sft.epochs come to so many: the same, unless the config says something else. A config that a run
/// has left behind says it.
int64_t steps_of(const config::RunConfig& config, int64_t steps);

}  // namespace strata::run
