#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "strata/data/samples/instructions.h"

namespace strata::data {

/// The text around the parts of a turn.
class PromptTemplate {
 public:
  /// `text`: "alpaca" (Stanford Alpaca's two texts, with and without an input), "plain" ("{instruction}\n\n{output}"),
  /// or a text of one's own: {instruction} at least once, {input} or not, then {output} once, and only text behind it.
  /// Braces around anything but one word are text. Throws UsageError, naming sft.template, for other texts.
  explicit PromptTemplate(std::string_view text);

  /// What stands before the output. Where the text has no place for the input, it follows the instruction on a new
  /// line. Placeholders in a turn's own text mean nothing.
  std::string prompt(const Turn& turn) const;

  /// The output and the text behind it.
  std::string response(const Turn& turn) const;

 private:
  struct Piece {
    std::string text;
    std::string Turn::*part = nullptr;  // stands behind the text
  };

  static std::vector<Piece> parse(std::string_view text);

  std::vector<Piece> with_input_;
  std::vector<Piece> without_input_;
  bool joins_input_ = false;
  std::string end_;
};

}  // namespace strata::data
