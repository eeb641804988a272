// Expressions of tokenizer.json files in PCRE2's syntax.
#include "data/tokenizer/expression.h"

#include "support/errors.h"

namespace strata::data {
namespace {

using strata::test::error_of;
using testing::HasSubstr;

std::vector<std::string> matches(const std::string& expression, const std::string& text) {
  const Expression compiled(expression, "here");
  Expression::Scratch scratch;
  Expression::Match match;
  std::vector<std::string> found;
  for (size_t at = 0; compiled.find(text, at, match, scratch); at = match.end) {
    found.push_back(text.substr(match.begin, match.end - match.begin));
  }
  return found;
}

using Texts = std::vector<std::string>;

TEST(Expression, ReadsCategoriesByUnicode16) {
  EXPECT_EQ(matches(R"(\p{L}+)", "ab1\u00e9\U000105C0"), (Texts{"ab", "\u00e9\U000105C0"}));  // new in 16
  EXPECT_EQ(matches(R"([^\p{L}\s]+)", "a \U000105C0 \u0661"), Texts{"\u0661"});
  EXPECT_EQ(matches(R"(\P{N}+)", "ab\U00010D40x"), (Texts{"ab", "x"}));  // a digit of 16
  EXPECT_EQ(matches(R"(\d)", "1\u00bd\u0661"), (Texts{"1", "\u0661"}));
}

TEST(Expression, SpacesAreUnicodesWhiteSpace) {
  EXPECT_EQ(matches(R"(\s+)", "a\u0085\u00a0\u2028\u3000b\u200bc\u180ed\ufeff"), Texts{"\u0085\u00a0\u2028\u3000"});
  EXPECT_EQ(matches(R"(\S+)", "a\u180eb c"), (Texts{"a\u180eb", "c"}));
}

TEST(Expression, LooksAroundAndIgnoresCase) {
  EXPECT_EQ(matches(R"(\s+(?!\S)|\s+)", "a   b "), (Texts{"  ", " ", " "}));
  EXPECT_EQ(matches(R"((?i:'s|'ll))", "'S 'LL 's").size(), 3U);
  EXPECT_EQ(matches(R"(\v|[\v]|ss)", "a\n\vb\u2028ss"), (Texts{"\v", "ss"}));
}

TEST(Expression, RefusesWhatIsReadOtherwise) {
  for (const auto& [expression, what] :
       std::vector<std::pair<std::string, std::string>>{{R"(\w+)", "\\w"},
                                                        {R"(\b)", "\\b"},
                                                        {R"(^a)", "^"},
                                                        {R"(a$)", "$"},
                                                        {R"(\p{Han})", "\\p{Han}"},
                                                        {R"([a&&b])", "& inside"},
                                                        {R"([[:alpha:]])", "[ inside"},
                                                        {R"([a)", "[ without ]"},
                                                        {R"(a{,3})", "{,3}"},
                                                        {R"(a{2}?)", "{2}?"},
                                                        {R"(a{2,3}+)", "{2,3}+"},
                                                        {R"((?i)a)", "(?i"},
                                                        {R"(a))", ")"},
                                                        {R"(\1)", "\\1"},
                                                        {R"([\s-a])", "a range"},
                                                        {R"((?i:\p{Lu}))", "\\p{Lu}"},
                                                        {R"((?i:asS))", "ss inside (?i:)"},
                                                        {"(?i:\u00df)", "a character beyond ASCII"},
                                                        {"(?i:[a\u00df])", "a character beyond ASCII"},
                                                        {R"([\S])", "\\S"},
                                                        {R"(\)", "\\"}}) {
    EXPECT_THAT(error_of([&] { Expression(expression, "here"); }), HasSubstr("here: " + what)) << expression;
  }
  EXPECT_THAT(error_of([] { Expression("(a", "here"); }), HasSubstr("here: the expression (a lacks a )"));
  EXPECT_THAT(error_of([] { Expression("(?<=a+)b", "here"); }), HasSubstr("here: the expression (?<=a+)b is broken: "));
  EXPECT_THAT(error_of([] { Expression("a?", "here"); }), HasSubstr("matches the empty text"));
}

TEST(Expression, LongRowsNeedNoMore) {
  const std::string gpt2 = R"( ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
  EXPECT_EQ(matches(gpt2, std::string(2'000'000, 'a')).size(), 1U);
  EXPECT_EQ(matches(gpt2, std::string(2'000'000, ' ') + "a").size(), 2U);
  std::string marks;
  for (int i = 0; i < 500'000; ++i) marks += "\u2014";
  EXPECT_EQ(matches(gpt2, marks).size(), 1U);
}

}  // namespace
}  // namespace strata::data
