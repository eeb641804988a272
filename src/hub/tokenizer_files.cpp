#include <nlohmann/json.hpp>

#include "hub/sentencepiece_model.h"
#include "strata/base/check.h"
#include "strata/data/tokenizer.h"
#include "strata/hub/export.h"
#include "strata/hub/model_folder.h"
#include "strata/io/file.h"
#include "strata/io/json.h"

namespace strata::hub {
namespace {

using data::Tokenizer;
using nlohmann::json;

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
json ending_with(const std::string& token) {
  const json end = {{"SpecialToken", {{"id", token}, {"type_id", 0}}}};
  return {{"type", "TemplateProcessing"},
          {"single", {sequence("A"), end}},
          {"pair", {sequence("A"), end, sequence("B"), end}},
          {"special_tokens", {{token, {{"id", token}, {"ids", {Tokenizer::kEos}}, {"tokens", {token}}}}}}};
}

json added_token(size_t id, const std::string& content) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

json tokenizer_json(const SentencepieceModel& model) {
  json added = json::array(), vocabulary = json::array();
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    const SentencepieceModel::Piece& piece = model.pieces[id];
    vocabulary.push_back(json::array({piece.text, piece.score}));
    if (piece.is_special) added.push_back(added_token(id, piece.text));
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
          {"post_processor", ending_with(model.pieces[Tokenizer::kEos].text)},
          {"decoder", metaspace()},
          {"model",
           {{"type", "Unigram"},
            {"unk_id", Tokenizer::kUnknown},
            {"vocab", std::move(vocabulary)},
            {"byte_fallback", model.byte_fallback}}}};
}

}  // namespace

void write_tokenizer(const std::filesystem::path& path, const config::ModelConfig& dims,
                     const std::filesystem::path& folder) {
  const Tokenizer checked(path);  // has T5's ids
  STRATA_CHECK(checked.vocab_size() <= dims.vocab, path.string(), ": the tokenizer has ", checked.vocab_size(),
               " ids, the model only ", dims.vocab);
  const std::string bytes = io::read_text(path);
  const SentencepieceModel model = read_sentencepiece_model(bytes, path.string());
  const auto text_of = [&](int32_t id) { return model.pieces.at(static_cast<size_t>(id)).text; };
  io::write_json(folder / "tokenizer.json", tokenizer_json(model));
  io::write_json(folder / "tokenizer_config.json", {{"additional_special_tokens", json::array()},
                                                    {"eos_token", text_of(Tokenizer::kEos)},
                                                    {"extra_ids", 0},
                                                    {"model_max_length", dims.max_positions},
                                                    {"pad_token", text_of(Tokenizer::kPad)},
                                                    {"tokenizer_class", "T5Tokenizer"},
                                                    {"unk_token", text_of(Tokenizer::kUnknown)}});
  io::write_atomically(folder / kTokenizerFile, bytes);
}

}  // namespace strata::hub
