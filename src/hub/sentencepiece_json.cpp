#include "hub/sentencepiece_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "strata/base/check.h"

namespace strata::hub {
namespace {

using data::SentencepieceFile;
using data::Tokenizer;
using nlohmann::json;
using Kind = SentencepieceFile::Kind;
using PieceType = SentencepieceFile::PieceType;

constexpr const char* kSpace = "\u2581";  // sentencepiece's sign for one

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

// Nothing, the one part, or all of them in turn.
json in_turn(std::vector<json> parts, const char* name) {
  if (parts.empty()) return {};
  if (parts.size() == 1) return parts.front();
  return {{"type", "Sequence"}, {name, std::move(parts)}};
}

// Both keys that say a text begins with a space: tokenizers 0.13 knows the first one only, newer ones read the second.
json metaspace() {
  return {{"type", "Metaspace"},
          {"replacement", kSpace},
          {"add_prefix_space", true},
          {"prepend_scheme", "always"},
          {"split", true}};
}

json replace(const char* from, const char* to) {
  return {{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
}

json normalizer(const SentencepieceFile& model) {
  std::vector<json> parts;
  if (!model.character_map.empty())
    parts.push_back({{"type", "Precompiled"}, {"precompiled_charsmap", base64(model.character_map)}});
  if (!model.drops_spaces) {
    if (model.adds_prefix) parts.push_back({{"type", "Prepend"}, {"prepend", kSpace}});
    parts.push_back(replace(" ", kSpace));
  }
  return in_turn(std::move(parts), "normalizers");
}

json pre_tokenizer(const SentencepieceFile& model) {
  if (!model.drops_spaces) return {};
  return in_turn({{{"type", "WhitespaceSplit"}}, metaspace()}, "pretokenizers");
}

json decoder(const SentencepieceFile& model) {
  if (model.drops_spaces && !model.byte_fallback) return metaspace();
  std::vector<json> parts{replace(kSpace, " "), {{"type", "ByteFallback"}}, {{"type", "Fuse"}}};
  if (model.adds_prefix) parts.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  return in_turn(std::move(parts), "decoders");
}

// What the tokenizer itself puts around a text.
json post_processor(const Tokenizer& tokenizer) {
  const bool begins = tokenizer.adds_bos(), ends = tokenizer.adds_eos();
  if (!begins && !ends) return {};
  json special = json::object();
  const auto token = [&](int32_t id) {
    const std::string name = tokenizer.name_of(id);
    special[name] = {{"id", name}, {"ids", {id}}, {"tokens", {name}}};
    return json{{"SpecialToken", {{"id", name}, {"type_id", 0}}}};
  };
  const auto around = [&](const char* text) {
    json parts = json::array();
    if (begins) parts.push_back(token(*tokenizer.bos()));
    parts.push_back({{"Sequence", {{"id", text}, {"type_id", 0}}}});
    if (ends) parts.push_back(token(*tokenizer.eos()));
    return parts;
  };
  const json one = around("A");
  json pair = one;
  for (json& part : around("B")) pair.push_back(std::move(part));
  return {{"type", "TemplateProcessing"}, {"single", one}, {"pair", std::move(pair)}, {"special_tokens", special}};
}

json unigram(const SentencepieceFile& model, const Tokenizer& tokenizer) {
  json vocabulary = json::array();
  for (const auto& piece : model.pieces) vocabulary.push_back(json::array({piece.text, piece.score}));
  return {{"type", "Unigram"},
          {"unk_id", tokenizer.unknown().value_or(Tokenizer::kUnknown)},
          {"vocab", std::move(vocabulary)},
          {"byte_fallback", model.byte_fallback}};
}

struct Merge {
  float score = 0.0F;
  std::string_view left, right;
};

// sentencepiece joins whichever two pieces make one of the highest score: every way to make it, the best first.
std::vector<Merge> merges_of(const SentencepieceFile& model) {
  std::unordered_set<std::string_view> texts;
  for (const auto& piece : model.pieces) {
    if (piece.type == PieceType::kNormal) texts.insert(piece.text);
  }
  std::vector<Merge> merges;
  for (const auto& piece : model.pieces) {
    if (piece.type != PieceType::kNormal) continue;
    const std::string_view whole = piece.text;
    for (size_t at = 1; at < whole.size(); ++at) {
      const std::string_view left = whole.substr(0, at), right = whole.substr(at);
      if (texts.contains(left) && texts.contains(right)) merges.push_back({piece.score, left, right});
    }
  }
  std::ranges::stable_sort(merges, std::ranges::greater(), &Merge::score);
  return merges;
}

json byte_pair_encoding(const SentencepieceFile& model, const Tokenizer& tokenizer) {
  json vocabulary = json::object(), merges = json::array();
  for (size_t id = 0; id < model.pieces.size(); ++id) vocabulary[model.pieces[id].text] = id;
  for (const Merge& merge : merges_of(model)) merges.push_back(json::array({merge.left, merge.right}));
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", tokenizer.name_of(tokenizer.unknown().value_or(0))},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", true},
          {"byte_fallback", model.byte_fallback},
          {"ignore_merges", false},
          {"vocab", std::move(vocabulary)},
          {"merges", std::move(merges)}};
}

json added_tokens(const SentencepieceFile& model) {
  json added = json::array();
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    if (!model.pieces[id].is_special()) continue;
    added.push_back({{"id", id},
                     {"content", model.pieces[id].text},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  }
  return added;
}

void check_is_sayable(const SentencepieceFile& model, const Tokenizer& tokenizer) {
  const std::string path = tokenizer.file().string();
  STRATA_CHECK(model.kind == Kind::kUnigram || model.kind == Kind::kBpe, path,
               ": is neither unigram nor BPE (its type ", "is ", static_cast<int>(model.kind),
               "), the kinds that a tokenizer.json can be made of");
  STRATA_CHECK(model.escapes_spaces && !model.space_is_suffix && (!model.drops_spaces || tokenizer.splits_at_spaces()),
               path, ": treats spaces in a way that a tokenizer.json cannot say");
  for (const SentencepieceFile::Piece& piece : model.pieces) {
    STRATA_CHECK(piece.type != PieceType::kUserDefined && piece.type != PieceType::kUnused, path, ": the piece \"",
                 piece.text, "\" is ", piece.type == PieceType::kUnused ? "left unused" : "defined",
                 " by its makers, which a tokenizer.json cannot say");
  }
}

}  // namespace

json tokenizer_json(const SentencepieceFile& model, const Tokenizer& tokenizer) {
  check_is_sayable(model, tokenizer);
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added_tokens(model)},
          {"normalizer", normalizer(model)},
          {"pre_tokenizer", pre_tokenizer(model)},
          {"post_processor", post_processor(tokenizer)},
          {"decoder", decoder(model)},
          {"model", model.kind == Kind::kBpe ? byte_pair_encoding(model, tokenizer) : unigram(model, tokenizer)}};
}

bool is_like_t5(const SentencepieceFile& model, const Tokenizer& tokenizer) {
  return model.kind == Kind::kUnigram && model.drops_spaces && !tokenizer.adds_bos() && tokenizer.adds_eos();
}

}  // namespace strata::hub
