#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata::data {

/// A sentencepiece model with T5's conventions: pad 0, end of document 1, unknown 2, no token for a beginning.
///
/// Text is only ever text: "</s>" or "<pad>" written in a document become ordinary pieces.
/// Const members may be called from several threads at once.
class Tokenizer {
 public:
  static constexpr int32_t kPad = 0;
  static constexpr int32_t kEos = 1;
  static constexpr int32_t kUnknown = 2;

  /// Throws Error for a file that is missing, is no sentencepiece model, or has other special ids.
  explicit Tokenizer(const std::filesystem::path& model);
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  /// The ids of `text`, without a final kEos.
  std::vector<int32_t> encode(std::string_view text) const;

  /// The ids of `text` and a final kEos.
  std::vector<int32_t> encode_document(std::string_view text) const;

  /// The text of `ids`; kPad and kEos give nothing. Throws Error for an id outside the vocabulary.
  std::string decode(std::span<const int32_t> ids) const;

  int64_t vocab_size() const;

  /// Whether texts can be encoded apart at white space: encode(a + " " + b) is encode(a) followed by encode(b). So it
  /// is where no piece goes on over a space and spaces are treated as T5 treats them. What may differ is the order of
  /// pieces in words that can be cut in several equally good ways, such as a row of underscores: the library adds up
  /// fp32 scores from the beginning of a text, and rounding decides.
  bool splits_at_spaces() const;

  /// XXH3 of the model file: token shards made with another tokenizer are told apart by it.
  uint64_t fingerprint() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

/// Gives the next text and true, or false at the end.
using TextStream = std::function<bool(std::string&)>;

/// Trains a unigram model with T5's ids and normalisation on `texts` (all of them are held in memory; their line breaks
/// are where sentences end) and writes it to `output`. The same texts give the same file.
/// Throws Error if there is not enough text for `vocab_size`.
void train_tokenizer(const TextStream& texts, int64_t vocab_size, const std::filesystem::path& output);

/// What sentencepiece says of a failure, without the place in its source: "src/a.cc(232) [x > y] reason" -> "reason",
/// or the condition where no reason follows it.
std::string reason_of(std::string_view message);

}  // namespace strata::data
