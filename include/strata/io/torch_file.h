#pragma once

#include <vector>

#include "strata/io/safetensors.h"

namespace strata::io {

/// A state dict as torch.save writes it, `pytorch_model.bin`: a zip archive with a pickle that describes the tensors
/// and a file for each storage.
///
/// Throws Error, naming the file, for anything else: the format before PyTorch 1.6, pickles with more in them than
/// tensors (see read_state_dict), storages that are not there or too short, big-endian numbers.
/// Tensors are read when they are made; every one is contiguous and owns its memory.
std::vector<TensorPlan> open_torch_file(const std::filesystem::path& path);

}  // namespace strata::io
