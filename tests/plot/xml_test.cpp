#include "plot/xml.h"

#include <cmath>

namespace strata::plot {
namespace {

TEST(Xml, EscapesWhatMeansSomething) {
  EXPECT_EQ(escaped("<a b=\"c\" d='e'> & </script>"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt; &amp; &lt;/script&gt;");
  EXPECT_EQ(escaped("α ± 1\n"), "α ± 1\n");
}

// A reader of XML refuses a document with any of these.
TEST(Xml, ReplacesWhatIsNoCharacter) {
  const std::string unknown = "\xEF\xBF\xBD";
  EXPECT_EQ(escaped("a\x1b[0m"), "a" + unknown + "[0m");
  EXPECT_EQ(escaped("\xff"), unknown);
  EXPECT_EQ(escaped("\xce"), unknown);                              // the half of a letter
  EXPECT_EQ(escaped("\xc0\xaf"), unknown + unknown);                // overlong
  EXPECT_EQ(escaped("\xed\xa0\x80"), unknown + unknown + unknown);  // a surrogate
  EXPECT_EQ(escaped("\xef\xbf\xbf"), unknown + unknown + unknown);  // U+FFFF
  EXPECT_EQ(escaped("\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80");
}

TEST(Xml, CutsBetweenCharacters) {
  EXPECT_EQ(cut("αβγδ", 4), "αβγδ");
  EXPECT_EQ(cut("αβγδε", 4), "αβγ…");
  EXPECT_EQ(cut("abc", 1), "…");
}

TEST(Xml, PixelsAreShort) {
  EXPECT_EQ(pixels(12.0), "12");
  EXPECT_EQ(pixels(12.346), "12.35");
  EXPECT_EQ(pixels(-0.001), "0");
  EXPECT_EQ(pixels(100), "100");
  EXPECT_EQ(pixels(NAN), "0");
}

TEST(Xml, LabelsThatAreCutHaveTheWholeTextAsTitle) {
  EXPECT_EQ(text_at(1, 2, "a&b", 100), "<text x=\"1\" y=\"2\">a&amp;b</text>\n");
  EXPECT_EQ(text_at(1, 2, "abcdefgh", 27), "<text x=\"1\" y=\"2\"><title>abcdefgh</title>abc…</text>\n");
}

}  // namespace
}  // namespace strata::plot
