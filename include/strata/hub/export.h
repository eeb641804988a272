#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "strata/hub/folding.h"
#include "strata/hub/model_folder.h"

namespace strata::hub {

struct ExportOptions {
  std::optional<at::ScalarType> dtype = {};  // fp32, bf16 or fp16; default: as the weights are stored
  size_t most_shard_bytes = 5'000'000'000;   // of one safetensors file
  std::filesystem::path tokenizer = {};      // sentencepiece model with T5's ids; empty: none is written
};

/// What became of a model.
struct Exported {
  Folding folding = {};  // with an obstacle: the export needs modeling_strata.py
  at::ScalarType dtype = at::kFloat;
  size_t files = 0;  // of weights
};

/// Writes a Hugging Face model into an empty folder: a stock LlamaForCausalLM wherever the wiring can be folded into
/// one, else a model with modeling_strata.py beside it, which reads the junctions from config.json (trust_remote_code).
/// Throws Error for a model with custom junctions, for weights too large for fp16, and for a tokenizer that is no
/// unigram model.
Exported export_model(const ModelFolder& model, const ExportOptions& options, const std::filesystem::path& folder);

/// tokenizer.json (of the tokenizers library), tokenizer_config.json and spiece.model: T5Tokenizer without extra ids.
/// Throws Error for a tokenizer that is no unigram model with T5's ids, or has more ids than the model.
void write_tokenizer(const std::filesystem::path& sentencepiece_model, const config::ModelConfig& dims,
                     const std::filesystem::path& folder);

}  // namespace strata::hub
