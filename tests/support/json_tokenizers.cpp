#include "support/json_tokenizers.h"

#include <algorithm>

namespace strata::test {
namespace {

using nlohmann::json;

std::string utf8_of(unsigned sign) {
  if (sign < 0x80) return {static_cast<char>(sign)};
  return {static_cast<char>(0xC0U | sign >> 6), static_cast<char>(0x80U | (sign & 0x3FU))};
}

// Latin-1's printable characters, and from U+0100 one for each other byte.
std::vector<std::string> signs() {
  std::vector<std::string> all;
  unsigned others = 0;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool is_printable = (0x21 <= byte && byte <= 0x7E) || (0xA1 <= byte && byte != 0xAD);
    all.push_back(utf8_of(is_printable ? byte : 0x100 + others++));
  }
  std::ranges::sort(all);
  return all;
}

json added(size_t id, const char* content, bool is_special) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", is_special}};
}

json byte_level(bool use_regex) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", use_regex}};
}

}  // namespace

json tokenizer_json(const std::vector<std::string>& merges) {
  json vocabulary = json::object();
  for (const std::string& sign : signs()) vocabulary[sign] = vocabulary.size();
  for (const std::string& merge : merges) {
    const size_t space = merge.find(' ');
    vocabulary[merge.substr(0, space) + merge.substr(space + 1)] = vocabulary.size();
  }
  const size_t end = vocabulary.size();
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", json::array({added(end, "<|endoftext|>", true)})},
          {"normalizer", nullptr},
          {"pre_tokenizer", byte_level(true)},
          {"post_processor", byte_level(true)},
          {"decoder", byte_level(true)},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"vocab", vocabulary},
            {"merges", merges}}}};
}

json llama_tokenizer_json() {
  json made = tokenizer_json();
  const size_t word = made["model"]["vocab"].size();
  made["model"]["vocab"]["hello"] = word;  // no merges lead there
  made["model"]["ignore_merges"] = true;
  made["added_tokens"] = {added(word + 1, "<|begin_of_text|>", true), added(word + 2, "<|end_of_text|>", true),
                          added(word + 3, "<tool_call>", false)};
  const std::string expression =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  made["pre_tokenizer"] = {
      {"type", "Sequence"},
      {"pretokenizers",
       {{{"type", "Split"}, {"pattern", {{"Regex", expression}}}, {"behavior", "Isolated"}, {"invert", false}},
        byte_level(false)}}};
  const json begin = {{"SpecialToken", {{"id", "<|begin_of_text|>"}, {"type_id", 0}}}};
  const json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  made["post_processor"] = {
      {"type", "TemplateProcessing"},
      {"single", {begin, text}},
      {"pair", {begin, text}},
      {"special_tokens",
       {{"<|begin_of_text|>", {{"id", "<|begin_of_text|>"}, {"ids", {word + 1}}, {"tokens", {"<|begin_of_text|>"}}}}}}};
  return made;
}

}  // namespace strata::test
