#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>

#include "data/tokenizer/added_tokens.h"
#include "data/tokenizer/expression.h"
#include "data/tokenizer/json_tokenizer.h"
#include "data/tokenizer/model.h"

namespace strata::data {

/// The tokenizer of a tokenizer.json: ids equal those of Hugging Face's library. A text takes time and memory in
/// proportion to its length.
class ByteBpe final : public TokenizerModel {
 public:
  /// Throws Error, which begins with the place in the file, for an expression that cannot be used.
  explicit ByteBpe(JsonTokenizer file);
  ~ByteBpe() override;

  std::vector<int32_t> encode(std::string_view text, Reading reading) const override;
  std::string decode(std::span<const int32_t> ids) const override;
  int64_t vocab_size() const override { return static_cast<int64_t>(file_.tokens.size()); }
  std::string name_of(int32_t id) const override { return file_.names[static_cast<size_t>(id)]; }
  std::optional<int32_t> id_of(std::string_view name) const override;
  std::optional<int32_t> bos() const override;
  std::optional<int32_t> eos() const override;
  std::optional<int32_t> pad() const override;
  std::optional<int32_t> unknown() const override { return std::nullopt; }
  std::vector<int32_t> before() const override { return file_.before; }
  std::vector<int32_t> behind() const override { return file_.behind; }

 private:
  struct Scratch;
  struct Splitter {
    std::optional<Expression> expression;
    bool adds_space = false;
  };

  std::unique_ptr<Scratch> take_scratch() const;
  void encode_raw(std::string_view text, Reading reading, Scratch& scratch) const;
  void encode_normalised(std::string_view text, Reading reading, Scratch& scratch) const;
  void split(std::string_view piece, size_t stage, Scratch& scratch) const;
  void encode_word(std::string_view word, Scratch& scratch) const;
  std::optional<int32_t> first_known(std::span<const std::string_view> names) const;

  JsonTokenizer file_;
  AddedTokens raw_, normalised_;  // looked for before and behind normalisation
  std::vector<Splitter> splitters_;
  Merges merges_;
  std::unordered_map<std::string_view, int32_t> ids_;    // of names
  std::unordered_map<std::string_view, int32_t> whole_;  // of words' bytes, where merges are ignored
  std::vector<bool> is_special_;
  mutable std::mutex lending_;
  mutable std::vector<std::unique_ptr<Scratch>> scratches_;  // of no thread at the moment
};

}  // namespace strata::data
