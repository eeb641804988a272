#pragma once

#include <filesystem>
#include <optional>

#include "strata/config/load.h"
#include "strata/io/tensor_files.h"
#include "strata/nn/model_spec.h"

namespace strata::hub {

inline constexpr const char* kIndexFile = "model.safetensors.index.json";
inline constexpr const char* kTokenizerFile = "spiece.model";
inline constexpr const char* kTokenizerJson = "tokenizer.json";
inline constexpr const char* kTokenizerSettings = "tokenizer_config.json";

/// The model folder that a user names: a folder with a model in it, or a run's (runs/x), which stands for its newest
/// checkpoint; with @best behind it for the checkpoint with the lowest validation loss, with @120 for that of step 120.
/// Nothing for what is no folder. Throws Error for a run without such a checkpoint.
std::optional<std::filesystem::path> find_model_folder(const std::filesystem::path& name);

/// A model on disk, ours (`config.yaml`) or a stock one of Hugging Face (`config.json`: LLaMA, Qwen3, OLMo 2), with
/// `model.safetensors` or the files that `model.safetensors.index.json` names.
struct ModelFolder {
  config::RunConfig config;  // its `model` and `norm` sections; data.tokenizer: the tokenizer beside it, if any;
                             // data.sequence_length: the longest rows that it was trained on, as far as is known
  nn::ModelSpec spec;        // of a checkpoint as in the update that comes next
  std::string tokenizer_fingerprint = {};  // of the run that it is a checkpoint of
  io::TensorFiles weights;  // under the model's names: where embedding and head are tied, one tensor has both
};

/// name: see find_model_folder. Throws Error or UsageError, naming the file, for a folder that is neither or a model
/// that Strata cannot compute.
ModelFolder open_model_folder(const std::filesystem::path& name);

/// The safetensors files of a folder, every tensor under its name there. Throws Error where there are none, or where an
/// index and its files disagree.
io::TensorFiles open_weights(const std::filesystem::path& folder);

/// What a Hugging Face `config.json` says about a model.
struct HfConfig {
  config::ModelConfig model;
  std::string scheme;
  bool tied = false;  // the head's weight is the embedding's
};

/// Of LLaMA, Qwen3 and OLMo 2. Reads the layout of transformers 5 (`rope_parameters`) or the older one (`rope_theta`).
/// Throws Error, naming file and key, for anything that those do not have: other architectures or activations, biases,
/// scaled or partial rotary embeddings, sliding windows, quantised weights.
HfConfig read_hf_config(const std::filesystem::path& file);

/// The weights of a tied model with the embedding as its head. Throws Error where the files have another head.
io::TensorFiles with_tied_head(const io::TensorFiles& weights);

}  // namespace strata::hub
