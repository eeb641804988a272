#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace strata::data {

/// An expression as tokenizer.json files write them (Oniguruma's syntax, Unicode 16) in PCRE2's: white space and
/// categories are spelled out where the two differ. Only what both read alike is taken: characters, `.`, classes,
/// \s \S \d \r \n \t, \p{} of general categories, groups, (?i:), look-arounds, alternatives, quantifiers.
/// Throws Error, which begins with `place`, naming anything else.
std::string translated(std::string_view expression, const std::string& place);

/// What finds the parts of texts that an expression matches, compiled for this processor.
class Expression {
 public:
  struct Match {
    size_t begin = 0;
    size_t end = 0;
  };

  /// The memory of one thread.
  class Scratch {
   public:
    Scratch();

   private:
    friend class Expression;
    struct Free {
      void operator()(void* match_data) const;
    };
    std::unique_ptr<void, Free> match_data_;
  };

  /// `expression` as tokenizer.json has it. Throws Error, which begins with `place`, for what cannot be translated, is
  /// broken, or matches the empty text.
  Expression(std::string_view expression, const std::string& place);

  /// The first match at or behind `from`; false: there is none. `text` is UTF-8. Throws Error where the expression
  /// needs too much memory or time for the text.
  bool find(std::string_view text, size_t from, Match& match, Scratch& scratch) const;

 private:
  struct Free {
    void operator()(void* code) const;
  };
  std::unique_ptr<void, Free> code_;
  std::string place_;
};

}  // namespace strata::data
