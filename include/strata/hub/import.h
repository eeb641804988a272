#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "strata/config/run_config.h"

namespace strata::hub {

struct ImportOptions {
  std::string scheme = {};  // norm.scheme; empty: as the tensors' names say, where only one scheme has them
  std::vector<std::string> overrides = {};  // norm.*=value, model.max_positions=value
};

struct Imported {
  config::RunConfig config = {};  // model and norm
  std::string files = {};         // what the weights were read from
  bool is_inferred = false;       // the scheme, from the names alone
  int64_t parameters = 0;
  std::string tokenizer = {};     // what was copied; empty: nothing
  std::string no_tokenizer = {};  // why a tokenizer that is there was not copied
};

/// Writes a model folder of ours, fp32, into an empty folder, from a stock Hugging Face LLaMA or a checkpoint of the
/// paper's code (the same names, and norms and gates besides), out of safetensors or pytorch_model.bin.
///
/// The scheme is in no such file. Schemes that differ in more than where they start have other parameters, as a rule,
/// but not always (Post-LN and DeepNorm do not): where the names leave a choice, `scheme` makes it. Throws Error or
/// UsageError, naming file and tensor, and which schemes the names would fit, where they contradict it.
Imported import_model(const std::filesystem::path& source, const ImportOptions& options,
                      const std::filesystem::path& folder);

}  // namespace strata::hub
