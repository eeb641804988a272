#pragma once

#include <filesystem>

#include "strata/config/load.h"
#include "strata/nn/model_spec.h"

namespace strata::hub {

/// A model on disk, ours (`config.yaml`) or a stock Hugging Face LLaMA (`config.json`), with `model.safetensors`.
struct ModelFolder {
  config::RunConfig config;  // its `model` and `norm` sections
  nn::ModelSpec spec;
  std::filesystem::path weights;
};

/// Throws Error or UsageError, naming the file, for a folder that is neither or a model that Strata cannot compute.
ModelFolder open_model_folder(const std::filesystem::path& folder);

/// The shape that a Hugging Face `config.json` describes, in the layout of transformers 5 (`rope_parameters`) or the
/// older one (`rope_theta`). Throws Error, naming file and key, for anything that stock LLaMA-1/2 does not have: other
/// architectures or activations, biases, tied embeddings, scaled rotary embeddings, head dimensions of their own.
config::ModelConfig read_hf_config(const std::filesystem::path& file);

}  // namespace strata::hub
