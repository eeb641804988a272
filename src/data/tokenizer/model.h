#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata::data {

/// How the names of special tokens in a text are read.
enum class Reading {
  kText,    // as the characters that they are
  kMarked,  // as the tokens, where the tokenizer's own library does so
};

/// One kind of tokenizer. Const members may be called from several threads at once.
class TokenizerModel {
 public:
  virtual ~TokenizerModel() = default;

  /// The ids of the text alone. Throws Error for what is not UTF-8, where the kind needs that.
  virtual std::vector<int32_t> encode(std::string_view text, Reading reading) const = 0;

  /// Ids are in the vocabulary. Special ones give nothing.
  virtual std::string decode(std::span<const int32_t> ids) const = 0;

  virtual int64_t vocab_size() const = 0;

  /// What a token is called, or has the id of.
  virtual std::string name_of(int32_t id) const = 0;
  virtual std::optional<int32_t> id_of(std::string_view name) const = 0;

  /// The tokens that stand for a beginning and so on, as the model's file has them.
  virtual std::optional<int32_t> bos() const = 0;
  virtual std::optional<int32_t> eos() const = 0;
  virtual std::optional<int32_t> pad() const = 0;
  virtual std::optional<int32_t> unknown() const = 0;

  /// What the tokenizer itself puts around a text.
  virtual std::vector<int32_t> before() const = 0;
  virtual std::vector<int32_t> behind() const = 0;
};

}  // namespace strata::data
