#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "strata/io/safetensors.h"

namespace strata::hub {

/// The weights of somebody else's folder, from whichever files it has.
struct SourceWeights {
  std::string shown;  // the files, for messages
  std::vector<io::TensorPlan> tensors;

  std::set<std::string> names() const;
  const io::TensorPlan& find(const std::string& name) const;
};

/// model.safetensors, or pytorch_model.bin, or what their indexes name; without rotary tables. `tied`: the head is the
/// embedding. Throws Error where there is none of them, and for what open_weights and open_torch_file refuse.
SourceWeights open_source_weights(const std::filesystem::path& folder, bool tied);

}  // namespace strata::hub
