#pragma once

#include <functional>

#include "strata/train/checkpoint/checkpoint.h"
#include "strata/workers/communicator.h"

namespace strata::train {

/// What happens on every worker where a run starts: one of these.
struct RunStart {
  std::function<void()> anew;                                   // gives the parameters their first values
  std::function<void(const CheckpointState&)> from_state = {};  // before a checkpoint's tensors are loaded
};

/// Fills parameters and states for the run's first step and says where the run then stands. `now`: the run's own start.
///
/// By train.resume that is the newest checkpoint of the run folder that verifies (`auto`; others are named in
/// warnings), the one at a path, which must verify, or where there is none (`none`) what `begin` makes anew.
///
/// A checkpoint of another config is not taken on trust: every difference is logged in a table, and those that would
/// change the numbers, other data or another tokenizer included, throw Error unless train.allow_change names their key
/// or section; those of the model always do. config::Affects says which keys these are, and which are free. Another
/// matrix library, number of threads or version is a warning, since last bits depend on it.
///
/// A collective: the first worker decides, and all of them load what it took.
///
/// Checkpoints of the run folder that do not lie on the way to the one taken (newer ones, or all) are renamed to
/// `aside_step_...`: no later resume takes them, and nothing is lost.
Progress begin_run(const config::RunConfig& config, const CheckpointState& now, nn::Parameters& parameters,
                   optim::Optimizer& optimizer, const RunStart& begin, workers::Communicator& workers);

}  // namespace strata::train
