#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "strata/io/safetensors.h"
#include "strata/nn/parameters.h"
#include "strata/optim/optimizer.h"

/// The optimizer's states in a checkpoint: `optimizer-<k>-of-<W>.safetensors`, one file for each of the W workers that
/// saved it. A file has, for every state and every parameter that has it, what its worker had: all of it under
/// "m.<parameter>", in the parameter's shape, or some elements under "m.<parameter>[begin:end]", flat. Any number of
/// workers can load them.
namespace strata::train {

/// The states of some ranges of the arenas.
struct OptimizerStates {
  std::vector<ParamSpec> params;                // what has states, and where in the arenas
  std::vector<ArenaRange> ranges;               // rising
  std::vector<optim::Optimizer::State> states;  // of these ranges, or of some of them, laid end to end
};

/// What of the arenas state number `index` has here.
const std::vector<ArenaRange>& ranges_of(const OptimizerStates& states, size_t index);

OptimizerStates states_of(const optim::Optimizer& optimizer);

/// The part of state number `index` that lies at `range`, which one of its ranges holds whole.
at::Tensor state_at(const OptimizerStates& states, size_t index, const ArenaRange& range);

std::string optimizer_file(int rank, int world_size);

/// What the file of a worker that saves `ranges` holds: views of the states, which must hold these ranges, or copies of
/// what has padding between its rows.
io::NamedTensors named_states(const OptimizerStates& states, const std::vector<ArenaRange>& ranges);

/// The optimizer files among the names of a checkpoint's files; none unless they are all those of one save.
std::vector<std::string> optimizer_files_in(const std::vector<std::string>& names);

/// Reads what the states need from a checkpoint's optimizer files. Nothing changes unless all of it is there: throws
/// Error naming the folder or file, and the tensor.
void load_states(const std::filesystem::path& folder, const std::vector<std::string>& files,
                 const OptimizerStates& states);

}  // namespace strata::train
