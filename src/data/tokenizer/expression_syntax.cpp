#include <algorithm>
#include <array>
#include <vector>

#include "data/tokenizer/expression.h"
#include "data/tokenizer/new_characters.h"
#include "strata/base/check.h"
#include "strata/base/text.h"

namespace strata::data {
namespace {

// Unicode's White_Space; PCRE2 would add U+180E.
constexpr std::string_view kSpaces =
    R"(\t-\r\x{20}\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";

constexpr std::string_view kPunctuation = R"(!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~)";

constexpr std::array<std::string_view, 36> kCategories{
    "L",  "Lu", "Ll", "Lt", "Lm", "Lo", "M",  "Mn", "Mc", "Me", "N",  "Nd", "Nl", "No", "P",  "Pc", "Pd", "Ps",
    "Pe", "Pi", "Pf", "Po", "S",  "Sm", "Sc", "Sk", "So", "Z",  "Zs", "Zl", "Zp", "C",  "Cc", "Cf", "Co", "Cs"};

class Translator {
 public:
  Translator(std::string_view expression, const std::string& place) : whole_(expression), place_(place) {}

  std::string run() {
    while (at_ < whole_.size()) item();
    STRATA_CHECK(ignores_case_.size() == 1, place_, ": the expression ", whole_, " lacks a )");
    return std::move(made_);
  }

 private:
  [[noreturn]] void refuse(std::string_view what) const {
    throw Error(str(place_, ": ", what, " in the expression ", whole_, " is not supported"));
  }

  bool starts(std::string_view text) const { return whole_.substr(at_).starts_with(text); }

  std::string_view take(size_t count) {
    const std::string_view taken = whole_.substr(at_, count);
    at_ += taken.size();
    return taken;
  }

  void item() {
    switch (whole_[at_]) {
      case '\\':
        return escape();
      case '[':
        return set();
      case '(':
        return open();
      case ')':
        if (ignores_case_.size() == 1) refuse(")");
        ignores_case_.pop_back();
        break;
      case '?':
      case '*':
      case '+':
      case '{':
        return quantifier();
      case '^':
      case '$':
        refuse(whole_.substr(at_, 1));
      default:
        break;
    }
    check_case();
    made_ += take(1);
  }

  // Where case is ignored, Oniguruma has one character stand for several and the other way round: "ss" for U+00DF.
  // Letters beyond ASCII are refused whether or not theirs does.
  void check_case() const {
    constexpr std::array<std::string_view, 5> kLigatures{"ff", "fi", "fl", "ss", "st"};
    if (!ignores_case_.back()) return;
    std::string two(whole_.substr(at_, 2));
    for (char& c : two) c = 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (std::ranges::find(kLigatures, two) != kLigatures.end()) refuse(str(two, " inside (?i:)"));
    if (static_cast<unsigned char>(whole_[at_]) >= 0x80) refuse("a character beyond ASCII inside (?i:)");
  }

  void open() {
    constexpr std::array<std::string_view, 6> kKinds{"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>"};
    if (starts("(?i:")) {
      made_ += take(4);
      return ignores_case_.push_back(true);
    }
    if (starts("(?")) {
      const auto* const kind = std::ranges::find_if(kKinds, [&](std::string_view text) { return starts(text); });
      if (kind == kKinds.end()) refuse(whole_.substr(at_, 3));
      made_ += take(kind->size());
    } else {
      take(1);
      made_ += "(?:";  // groups have no numbers where nothing asks for them
    }
    ignores_case_.push_back(ignores_case_.back());
  }

  // {n}? and {n,m}+ mean something else in each syntax, and so does {,n}.
  void quantifier() {
    if (whole_[at_] != '{') {
      made_ += take(1);
      if (starts("?") || starts("+")) made_ += take(1);
    } else {
      const size_t end = whole_.find('}', at_);
      const std::string_view count = whole_.substr(at_, end == std::string_view::npos ? 1 : end - at_ + 1);
      const bool is_range =
          count.size() > 2 && is_digit(count[1]) &&
          std::ranges::all_of(count.substr(1, count.size() - 2), [](char c) { return is_digit(c) || c == ','; });
      if (!is_range) refuse(count);
      made_ += take(count.size());
      if (starts("?") || starts("+")) refuse(str(count, whole_[at_]));
    }
    if (starts("*") || starts("+") || starts("?") || starts("{")) refuse("a quantifier of a quantifier");
  }

  void escape() {
    if (starts("\\s") || starts("\\S")) {
      const bool is_space = take(2)[1] == 's';
      made_ += str(is_space ? "[" : "[^", kSpaces, "]");
    } else if (starts("\\d") || starts("\\p{") || starts("\\P{")) {
      const bool is_not = starts("\\P");
      made_ += str(is_not ? "[^" : "[", category(), "]");
    } else {
      made_ += character_escape();
    }
  }

  std::string_view character_escape() {
    const char c = at_ + 1 < whole_.size() ? whole_[at_ + 1] : '\0';
    if (c == 'v') {  // to PCRE2 any vertical space
      take(2);
      return "\\x0B";
    }
    const bool is_known = c != '\0' && (std::string_view("rntf").find(c) != std::string_view::npos ||
                                        kPunctuation.find(c) != std::string_view::npos);
    if (!is_known) refuse(whole_.substr(at_, 2));
    return take(2);
  }

  // The inside of a class that stands for \p{..} or \d.
  std::string category() {
    std::string_view name = "Nd";
    if (starts("\\d")) {
      take(2);
    } else {
      const size_t end = whole_.find('}', at_);
      name = whole_.substr(at_ + 3, end == std::string_view::npos ? end : end - at_ - 3);
      if (std::ranges::find(kCategories, name) == kCategories.end()) refuse(whole_.substr(at_, name.size() + 4));
      take(name.size() + 4);
    }
    if (ignores_case_.back()) refuse(str("\\p{", name, "} inside (?i:)"));
    std::string made = str("\\p{", name, "}");
    for (const NewCharacters& added : kNewCharacters) {
      if (added.category.starts_with(name)) made += str("\\x{", hex_of(added.first), "}-\\x{", hex_of(added.last), "}");
    }
    return made;
  }

  static std::string hex_of(uint32_t number) {
    const std::string digits = hex(number);
    return digits.substr(std::min(digits.find_first_not_of('0'), digits.size() - 1));
  }

  void set() {
    made_ += take(1);
    if (starts("^")) made_ += take(1);
    for (bool is_first = true; !starts("]") || is_first; is_first = false) {
      if (at_ == whole_.size()) refuse("[ without ]");
      if (starts("[") || starts("&&") || (is_first && starts("]"))) refuse(str(whole_[at_], " inside [ ]"));
      if (starts("\\s") || starts("\\d") || starts("\\p{")) {
        made_ += starts("\\s") ? std::string(kSpaces) : category();
        if (made_.ends_with(kSpaces)) take(2);
        if (starts("-") && !starts("-]")) refuse("a range from a class");
      } else if (starts("\\")) {
        made_ += character_escape();
      } else {
        if (static_cast<unsigned char>(whole_[at_]) >= 0x80) check_case();
        made_ += take(1);
      }
    }
    made_ += take(1);
  }

  static bool is_digit(char c) { return '0' <= c && c <= '9'; }

  std::string_view whole_;
  const std::string& place_;
  size_t at_ = 0;
  std::string made_;
  std::vector<bool> ignores_case_{false};  // of the groups that are open, from the outside
};

}  // namespace

std::string translated(std::string_view expression, const std::string& place) {
  return Translator(expression, place).run();
}

}  // namespace strata::data
