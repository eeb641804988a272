#include "eval/python.h"

namespace strata::eval {
namespace {

std::string utf8(uint32_t point) {
  std::string bytes;
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) {
    bytes = {static_cast<char>(0xC0 | point >> 6)};
  } else {
    bytes = {static_cast<char>(0xE0 | point >> 12), static_cast<char>(0x80 | (point >> 6 & 0x3F))};
  }
  return bytes + static_cast<char>(0x80 | (point & 0x3F));
}

// [c for c in range(0x10000) if chr(c).isspace()] in Python 3.11
const std::vector<uint32_t> kSpaces{0x9,    0xA,    0xB,    0xC,    0xD,    0x1C,   0x1D,   0x1E,   0x1F,   0x20,
                                    0x85,   0xA0,   0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006,
                                    0x2007, 0x2008, 0x2009, 0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000};

TEST(PythonText, StripsWhatPythonStrips) {
  for (uint32_t point = 1; point < 0xD800; ++point) {
    const bool is_space = std::ranges::find(kSpaces, point) != kSpaces.end();
    const std::string c = utf8(point);
    EXPECT_EQ(stripped(c + "a" + c + c), is_space ? "a" : c + "a" + c + c) << std::hex << point;
    EXPECT_EQ(right_stripped(c + "a" + c), is_space ? c + "a" : c + "a" + c) << std::hex << point;
  }
  EXPECT_EQ(stripped(" \xF0\x9F\x98\x80 \n"), "\xF0\x9F\x98\x80");
  EXPECT_EQ(stripped(" \n\t"), "");
  EXPECT_EQ(right_stripped(""), "");
}

TEST(PythonText, CountsCodePoints) {
  EXPECT_EQ(count_characters(""), 0);
  EXPECT_EQ(count_characters(" a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"), 5);
}

}  // namespace
}  // namespace strata::eval
