#include "data/tokenizer/byte_alphabet.h"

namespace strata::data {
namespace {

constexpr size_t kMostSigns = 0x144;  // the last of them is U+0143

bool is_printable(unsigned byte) {
  return (0x21 <= byte && byte <= 0x7E) || (0xA1 <= byte && byte <= 0xAC) || 0xAE <= byte;
}

struct Alphabet {
  std::array<std::string, 256> signs;
  std::array<int, kMostSigns> bytes{};  // of code points; -1: none

  Alphabet() {
    bytes.fill(-1);
    unsigned next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
      const unsigned sign = is_printable(byte) ? byte : next++;
      bytes[sign] = static_cast<int>(byte);
      if (sign >= 0x80) signs[byte] += static_cast<char>(0xC0U | sign >> 6);
      signs[byte] += static_cast<char>(sign >= 0x80 ? 0x80U | (sign & 0x3FU) : sign);
    }
  }
};

const Alphabet& alphabet() {
  static const Alphabet made;
  return made;
}

}  // namespace

const std::array<std::string, 256>& signs_of_bytes() { return alphabet().signs; }

std::optional<std::string> bytes_of_signs(std::string_view signs) {
  std::string bytes;
  for (size_t at = 0; at < signs.size(); ++at) {
    unsigned sign = static_cast<unsigned char>(signs[at]);
    if (sign >= 0x80) {
      if (sign >= 0xE0 || ++at == signs.size()) return std::nullopt;
      sign = (sign & 0x1FU) << 6 | (static_cast<unsigned char>(signs[at]) & 0x3FU);
    }
    if (sign >= kMostSigns || alphabet().bytes[sign] < 0) return std::nullopt;
    bytes += static_cast<char>(alphabet().bytes[sign]);
  }
  return bytes;
}

}  // namespace strata::data
