#include <nlohmann/json.hpp>

#include "data/tokenizer/sentencepiece_file.h"
#include "hub/sentencepiece_json.h"
#include "strata/base/check.h"
#include "strata/data/tokenizer.h"
#include "strata/hub/export.h"
#include "strata/hub/model_folder.h"
#include "strata/io/file.h"
#include "strata/io/json.h"

namespace strata::hub {
namespace {

using data::SentencepieceFile;
using data::Tokenizer;
using nlohmann::json;

// For transformers: the special tokens by their names.
json settings_of(const Tokenizer& tokenizer, const config::ModelConfig& dims) {
  json settings{{"model_max_length", dims.max_positions}};
  const auto add = [&](const char* key, const std::optional<int32_t>& id) {
    if (id) settings[key] = tokenizer.name_of(*id);
  };
  add("bos_token", tokenizer.bos());
  add("eos_token", tokenizer.eos());
  add("pad_token", tokenizer.pad());
  if (tokenizer.is_sentencepiece()) add("unk_token", tokenizer.unknown());
  return settings;
}

void write_sentencepiece(const Tokenizer& tokenizer, const config::ModelConfig& dims,
                         const std::filesystem::path& folder) {
  const std::string bytes = io::read_text(tokenizer.file());
  const SentencepieceFile model = data::read_sentencepiece_file(bytes, tokenizer.file().string());
  const bool like_t5 = is_like_t5(model, tokenizer);
  json settings = settings_of(tokenizer, dims);
  if (like_t5) {
    settings.update(
        {{"additional_special_tokens", json::array()}, {"extra_ids", 0}, {"tokenizer_class", "T5Tokenizer"}});
  } else {
    settings.update({{"add_bos_token", tokenizer.adds_bos()},
                     {"add_eos_token", tokenizer.adds_eos()},
                     {"tokenizer_class", "PreTrainedTokenizerFast"}});
  }
  io::write_json(folder / kTokenizerJson, tokenizer_json(model, tokenizer));
  io::write_json(folder / kTokenizerSettings, settings);
  io::write_atomically(folder / (like_t5 ? kTokenizerFile : "tokenizer.model"), bytes);
}

void copy_files(const Tokenizer& tokenizer, const config::ModelConfig& dims, const std::filesystem::path& folder) {
  const std::filesystem::path settings = tokenizer.file().parent_path() / kTokenizerSettings;
  if (std::filesystem::is_regular_file(settings)) {
    io::write_atomically(folder / kTokenizerSettings, io::read_text(settings));
  } else {
    json made = settings_of(tokenizer, dims);
    made["tokenizer_class"] = "PreTrainedTokenizerFast";
    io::write_json(folder / kTokenizerSettings, made);
  }
  io::write_atomically(folder / kTokenizerJson, io::read_text(tokenizer.file()));
}

}  // namespace

SpecialIds write_tokenizer(const std::filesystem::path& path, const config::ModelConfig& dims,
                           const std::filesystem::path& folder) {
  const Tokenizer tokenizer(path);
  STRATA_CHECK(tokenizer.vocab_size() <= dims.vocab, path.string(), ": the tokenizer has ", tokenizer.vocab_size(),
               " ids, the model only ", dims.vocab);
  tokenizer.is_sentencepiece() ? write_sentencepiece(tokenizer, dims, folder) : copy_files(tokenizer, dims, folder);
  return {.bos = tokenizer.bos(), .eos = tokenizer.eos(), .pad = tokenizer.pad()};
}

}  // namespace strata::hub
