#include <simdjson.h>

#include <nlohmann/json.hpp>

#include "data/tokenizer/bpe_training.h"
#include "data/tokenizer/expression.h"
#include "data/tokenizer/json_tokenizer.h"
#include "strata/base/check.h"
#include "strata/data/tokenizer.h"
#include "strata/io/json.h"

namespace strata::data {
namespace {

using nlohmann::json;

constexpr const char* kEndOfText = "<|endoftext|>";

std::unordered_map<std::string, int64_t> count_words(const TextStream& texts) {
  const Expression expression(kGpt2Expression, "GPT-2's words");
  Expression::Scratch scratch;
  std::unordered_map<std::string, int64_t> words;
  for (std::string text; texts(text);) {
    STRATA_CHECK(simdjson::validate_utf8(text), "cannot train a tokenizer: a text of ", text.size(),
                 " bytes is not UTF-8");
    Expression::Match match;
    for (size_t at = 0; expression.find(text, at, match, scratch); at = match.end) {
      ++words[text.substr(match.begin, match.end - match.begin)];
    }
  }
  return words;
}

json byte_level(bool trims_offsets) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", trims_offsets}, {"use_regex", true}};
}

json tokenizer_json(const LearnedMerges& learned) {
  json vocabulary = json::object();
  for (size_t id = 0; id < learned.tokens.size(); ++id) vocabulary[learned.tokens[id]] = id;
  json end{{"id", learned.tokens.size()}, {"content", kEndOfText}, {"special", true}};
  for (const char* key : {"single_word", "lstrip", "rstrip", "normalized"}) end[key] = false;
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", json::array({end})},
          {"normalizer", nullptr},
          {"pre_tokenizer", byte_level(true)},
          {"post_processor", byte_level(false)},
          {"decoder", byte_level(true)},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"vocab", std::move(vocabulary)},
            {"merges", learned.merges}}}};
}

}  // namespace

void train_byte_bpe(const TextStream& texts, int64_t vocab_size, const std::filesystem::path& output) {
  constexpr int64_t kBytes = 256;
  STRATA_CHECK(vocab_size > kBytes, "cannot train a tokenizer of ", vocab_size, " tokens: bytes and ", kEndOfText,
               " alone are ", kBytes + 1);
  const auto words = count_words(texts);
  STRATA_CHECK(!words.empty(), "cannot train a tokenizer: the input has no text");
  const LearnedMerges learned = learn_merges(words, vocab_size - 1);
  STRATA_CHECK(std::ssize(learned.tokens) == vocab_size - 1, "cannot train a tokenizer of ", vocab_size,
               " tokens: no pair is there twice after ", learned.tokens.size() + 1);
  io::write_json(output, tokenizer_json(learned));
}

}  // namespace strata::data
