#include <nlohmann/json.hpp>

#include "data/tokenizer/sentencepiece_file.h"
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

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t three = 0;
    for (size_t k = i; k < i + 3; ++k)
      three = three << 8 | (k < bytes.size() ? static_cast<unsigned char>(bytes[k]) : 0);
    for (size_t digit = 0; digit < 4; ++digit) {
      text += i + digit > bytes.size() ? '=' : kDigits[three >> (18 - 6 * digit) & 63];
    }
  }
  return text;
}

// Both keys that say a text begins with a space: tokenizers 0.13 knows the first one only, newer ones read the second.
json metaspace() {
  return {{"type", "Metaspace"},
          {"replacement", "\u2581"},
          {"add_prefix_space", true},
          {"prepend_scheme", "always"},
          {"split", true}};
}

json sequence(const char* id) { return {{"Sequence", {{"id", id}, {"type_id", 0}}}}; }

// A text ends with </s>, as in T5.
json ending_with(const std::string& token, int32_t id) {
  const json end = {{"SpecialToken", {{"id", token}, {"type_id", 0}}}};
  return {{"type", "TemplateProcessing"},
          {"single", {sequence("A"), end}},
          {"pair", {sequence("A"), end, sequence("B"), end}},
          {"special_tokens", {{token, {{"id", token}, {"ids", {id}}, {"tokens", {token}}}}}}};
}

json added_token(size_t id, const std::string& content) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

json tokenizer_json(const SentencepieceFile& model, const Tokenizer& tokenizer) {
  json added = json::array(), vocabulary = json::array();
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    const SentencepieceFile::Piece& piece = model.pieces[id];
    vocabulary.push_back(json::array({piece.text, piece.score}));
    if (piece.is_special()) added.push_back(added_token(id, piece.text));
  }
  const json normalizer = model.character_map.empty()
                              ? json()
                              : json{{"type", "Precompiled"}, {"precompiled_charsmap", base64(model.character_map)}};
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added},
          {"normalizer", normalizer},
          {"pre_tokenizer",
           {{"type", "Sequence"}, {"pretokenizers", json::array({{{"type", "WhitespaceSplit"}}, metaspace()})}}},
          {"post_processor", ending_with(tokenizer.name_of(*tokenizer.eos()), *tokenizer.eos())},
          {"decoder", metaspace()},
          {"model",
           {{"type", "Unigram"},
            {"unk_id", tokenizer.unknown().value_or(Tokenizer::kUnknown)},
            {"vocab", std::move(vocabulary)},
            {"byte_fallback", model.byte_fallback}}}};
}

void check_is_like_t5(const SentencepieceFile& model, const Tokenizer& tokenizer, const std::string& path) {
  STRATA_CHECK(model.kind == SentencepieceFile::Kind::kUnigram, path, ": is no unigram model (its type is ",
               static_cast<int>(model.kind), "), the only kind that T5's tokenizer.json can be made of");
  STRATA_CHECK(model.adds_prefix && model.drops_spaces && model.escapes_spaces, path,
               ": treats spaces in another way than T5's, which its tokenizer.json cannot say");
  STRATA_CHECK(!tokenizer.bos() && tokenizer.eos(), path, ": has special tokens in another way than T5's, one for the ",
               "end and none for the beginning, which its tokenizer.json cannot say");
  for (const SentencepieceFile::Piece& piece : model.pieces) {
    STRATA_CHECK(piece.type != SentencepieceFile::PieceType::kUserDefined, path, ": the piece \"", piece.text,
                 "\" is defined by its makers, which tokenizer.json of T5's kind cannot say");
  }
}

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

void write_like_t5(const Tokenizer& tokenizer, const config::ModelConfig& dims, const std::filesystem::path& folder) {
  const std::string bytes = io::read_text(tokenizer.file());
  const SentencepieceFile model = data::read_sentencepiece_file(bytes, tokenizer.file().string());
  check_is_like_t5(model, tokenizer, tokenizer.file().string());
  json settings = settings_of(tokenizer, dims);
  settings.update({{"additional_special_tokens", json::array()}, {"extra_ids", 0}, {"tokenizer_class", "T5Tokenizer"}});
  io::write_json(folder / kTokenizerJson, tokenizer_json(model, tokenizer));
  io::write_json(folder / kTokenizerSettings, settings);
  io::write_atomically(folder / kTokenizerFile, bytes);
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
  tokenizer.is_sentencepiece() ? write_like_t5(tokenizer, dims, folder) : copy_files(tokenizer, dims, folder);
  return {.bos = tokenizer.bos(), .eos = tokenizer.eos(), .pad = tokenizer.pad()};
}

}  // namespace strata::hub
