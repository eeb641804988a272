#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "strata/data/tokenizer.h"
#include "strata/hub/folding.h"
#include "strata/hub/model_folder.h"

namespace strata::hub {

struct ExportOptions {
  std::optional<at::ScalarType> dtype = {};  // fp32, bf16 or fp16; default: as the weights are stored
  size_t most_shard_bytes = 5'000'000'000;   // of one safetensors file
  std::filesystem::path tokenizer = {};      // as data::Tokenizer opens it; empty: none is written
};

/// The tokens that config.json and generation_config.json name; by default T5's.
struct SpecialIds {
  std::optional<int32_t> bos = std::nullopt;
  std::optional<int32_t> eos = data::Tokenizer::kEos;
  std::optional<int32_t> pad = data::Tokenizer::kPad;
};

/// What became of a model.
struct Exported {
  Folding folding = {};  // with an obstacle: the export needs modeling_strata.py
  at::ScalarType dtype = at::kFloat;
  size_t files = 0;  // of weights
};

/// Writes a Hugging Face model into an empty folder: a stock LlamaForCausalLM wherever the wiring can be folded into
/// one, else a model with modeling_strata.py beside it, which reads the junctions from config.json (trust_remote_code).
/// Throws Error for a model with custom junctions, for weights too large for fp16, and as
/// write_tokenizer.
Exported export_model(const ModelFolder& model, const ExportOptions& options, const std::filesystem::path& folder);

/// A tokenizer as transformers reads it, with a tokenizer_config.json. A tokenizer.json is copied as it is, with the
/// tokenizer_config.json beside it, if any. A sentencepiece model goes out as it is and as the tokenizer.json that says
/// the same: of T5's kind as spiece.model, for T5Tokenizer without extra ids, of others as tokenizer.model. Throws
/// Error for a sentencepiece model that no tokenizer.json can say (neither unigram nor BPE, pieces that its makers
/// defined or left unused, spaces dropped otherwise than T5 does), and for one with more ids than the model.
SpecialIds write_tokenizer(const std::filesystem::path& tokenizer, const config::ModelConfig& dims,
                           const std::filesystem::path& folder);

}  // namespace strata::hub
