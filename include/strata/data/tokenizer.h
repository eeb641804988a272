#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strata/config/data.h"

namespace strata::data {

/// data.bos and data.eos: what training puts around a document.
struct DocumentMarks {
  config::SpecialToken bos = config::SpecialToken::kAuto;
  config::SpecialToken eos = config::SpecialToken::kAuto;
};

/// A sentencepiece model, or a tokenizer.json of byte-level BPE. A text takes time in proportion to its length.
/// Const members may be called from several threads at once.
class Tokenizer {
 public:
  /// T5's special ids: those of the models that train_tokenizer makes.
  static constexpr int32_t kPad = 0;
  static constexpr int32_t kEos = 1;
  static constexpr int32_t kUnknown = 2;

  /// `path`: the file, or a folder that has one (tokenizer_in). A tokenizer_config.json beside
  /// the file names special tokens. Throws UsageError where there is none, and for marks that are asked for and have no
  /// token; Error, one line that begins with the file, for what is broken and for parts of a tokenizer.json that are
  /// not supported.
  explicit Tokenizer(const std::filesystem::path& path, const DocumentMarks& marks = {});
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  /// The ids of `text`, which is only ever text: "</s>" or "<|endoftext|>" written in it are characters.
  std::vector<int32_t> encode(std::string_view text) const;

  /// A document of training: start(), the ids of `text`, end().
  std::vector<int32_t> encode_document(std::string_view text) const;

  /// The ids of a text whose writer may name special tokens of a tokenizer.json, which are then these tokens; to
  /// sentencepiece models text is only ever text. Nothing is put around it.
  std::vector<int32_t> encode_marked(std::string_view text) const;

  /// The same with what the tokenizer itself puts around a text: Hugging Face's encode().
  std::vector<int32_t> encode_by_itself(std::string_view text) const;

  /// The text of `ids`; special ones give nothing, bytes that are no UTF-8 U+FFFD. Throws Error for an id outside the
  /// vocabulary.
  std::string decode(std::span<const int32_t> ids) const;

  int64_t vocab_size() const;

  /// The tokens for a beginning, an end, padding and what is unknown, where there are such. No row needs a pad.
  std::optional<int32_t> bos() const;
  std::optional<int32_t> eos() const;
  std::optional<int32_t> pad() const;
  std::optional<int32_t> unknown() const;
  std::string name_of(int32_t id) const;

  /// What documents of training begin with, mostly nothing or bos().
  const std::vector<int32_t>& start() const;
  /// What they end with: eos(), unless data.eos is false or there is none.
  std::optional<int32_t> end() const;

  /// The token to begin with where there is nothing else: bos(), else eos(). lm-evaluation-harness calls it
  /// prefix_token_id. Throws Error where there is neither.
  int32_t prefix() const;
  /// Whether it puts bos() before a text by itself, eos() behind it.
  bool adds_bos() const;
  bool adds_eos() const;

  /// Whether texts can be encoded apart at white space: encode(a + " " + b) is encode(a) followed by encode(b). So it
  /// is where no piece goes on over a space and spaces are treated as T5 treats them. What may differ is the order of
  /// pieces in words that can be cut in several equally good ways, such as a row of underscores: the library adds up
  /// fp32 scores from the beginning of a text, and rounding decides.
  bool splits_at_spaces() const;

  /// XXH3 of the file: token shards made with another tokenizer are told apart by it.
  uint64_t fingerprint() const;
  /// What tells documents apart that start() and end() make; empty: the file alone says it.
  std::string marks_key() const;

  bool is_sentencepiece() const;
  /// The file itself, where `path` was its folder.
  const std::filesystem::path& file() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

/// The file that a folder's tokenizer is: spiece.model, tokenizer.model or tokenizer.json, the first that is there;
/// empty: none.
std::filesystem::path tokenizer_in(const std::filesystem::path& folder);

/// Says so where documents have no end because the tokenizer names no token for it.
void warn_of_missing_end(const Tokenizer& tokenizer, const DocumentMarks& marks);

/// Gives the next text and true, or false at the end.
using TextStream = std::function<bool(std::string&)>;

/// Trains a unigram model with T5's ids and normalisation on `texts` (all of them are held in memory; their line breaks
/// are where sentences end) and writes it to `output`. The same texts give the same file.
/// Throws Error if there is not enough text for `vocab_size`.
void train_tokenizer(const TextStream& texts, int64_t vocab_size, const std::filesystem::path& output);

/// Trains byte-level BPE as GPT-2 has it on `texts` (their words are held in memory, each once) and writes a
/// tokenizer.json, whose last token is <|endoftext|>. The same texts give the same file.
/// Throws Error if there is not enough text for `vocab_size`.
void train_byte_bpe(const TextStream& texts, int64_t vocab_size, const std::filesystem::path& output);

/// What sentencepiece says of a failure, without the place in its source: "src/a.cc(232) [x > y] reason" -> "reason",
/// or the condition where no reason follows it.
std::string reason_of(std::string_view message);

}  // namespace strata::data
