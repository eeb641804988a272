#include "eval/python.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "strata/base/check.h"

namespace strata::eval {
namespace {

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// Seeds std::mt19937 with the state that init_by_array makes of one word, where std::seed_seq would make another.
struct InitByArray {
  using result_type = uint32_t;

  template <class Iterator>
  void generate(Iterator begin, Iterator end) const {
    const auto size = static_cast<size_t>(end - begin);
    const auto mixed = [&](size_t i) { return begin[i - 1] ^ (begin[i - 1] >> 30); };
    begin[0] = 19650218U;
    for (size_t i = 1; i < size; ++i) begin[i] = static_cast<uint32_t>(1812433253U * mixed(i) + i);
    size_t i = 1;
    const auto next = [&] {
      if (++i < size) return;
      begin[0] = begin[size - 1];
      i = 1;
    };
    for (size_t k = size; k > 0; --k, next())
      begin[i] = static_cast<uint32_t>((begin[i] ^ (mixed(i) * 1664525U)) + key);
    for (size_t k = size - 1; k > 0; --k, next()) {
      begin[i] = static_cast<uint32_t>((begin[i] ^ (mixed(i) * 1566083941U)) - i);
    }
    begin[0] = 0x80000000U;
  }

  uint32_t key;
};

std::mt19937 seeded(uint32_t seed) {
  InitByArray sequence{seed};
  return std::mt19937(sequence);
}

}  // namespace

// The white space of CPython's Objects/unicodetype_db.h, _PyUnicode_IsWhitespace.
bool is_space(std::string_view character) {
  if (character.size() == 1) {
    const auto c = static_cast<unsigned char>(character[0]);
    return c == ' ' || (0x09 <= c && c <= 0x0D) || (0x1C <= c && c <= 0x1F);
  }
  if (character.starts_with("\xE2\x80")) {  // U+2000 to U+200A, U+2028, U+2029, U+202F
    const auto last = static_cast<unsigned char>(character.back());
    return last <= 0x8A || last == 0xA8 || last == 0xA9 || last == 0xAF;
  }
  return character == "\xC2\x85" || character == "\xC2\xA0" || character == "\xE1\x9A\x80" ||
         character == "\xE2\x81\x9F" || character == "\xE3\x80\x80";
}

size_t size_of_character(std::string_view text) {
  size_t size = 1;
  while (size < text.size() && is_continuation(text[size])) ++size;
  return size;
}

std::string_view right_stripped(std::string_view text) {
  while (!text.empty()) {
    size_t begin = text.size() - 1;
    while (begin > 0 && is_continuation(text[begin])) --begin;
    if (!is_space(text.substr(begin))) break;
    text.remove_suffix(text.size() - begin);
  }
  return text;
}

std::string_view stripped(std::string_view text) {
  text = right_stripped(text);
  while (!text.empty()) {
    const size_t size = size_of_character(text);
    if (!is_space(text.substr(0, size))) break;
    text.remove_prefix(size);
  }
  return text;
}

int64_t count_characters(std::string_view text) {
  return std::ranges::count_if(text, [](char byte) { return !is_continuation(byte); });
}

PythonRandom::PythonRandom(uint32_t seed) : engine_(seeded(seed)) {}

uint32_t PythonRandom::below(uint32_t n) {
  const int unused_bits = std::countl_zero(n);
  uint32_t drawn = static_cast<uint32_t>(engine_()) >> unused_bits;
  while (drawn >= n) drawn = static_cast<uint32_t>(engine_()) >> unused_bits;
  return drawn;
}

std::vector<size_t> PythonRandom::sample(size_t population, size_t count) {
  STRATA_ASSERT(count <= population);
  // What CPython thinks a set of so many takes, in words of a list.
  size_t set_size = 21;
  if (count > 5) {
    size_t table = 1;
    while (table < 3 * count) table *= 4;
    set_size += table;
  }
  return population <= set_size ? sample_from_list(population, count) : sample_by_rejection(population, count);
}

std::vector<size_t> PythonRandom::sample_from_list(size_t population, size_t count) {
  std::vector<size_t> pool(population);
  std::iota(pool.begin(), pool.end(), size_t{0});
  std::vector<size_t> sample;
  for (size_t left = population; sample.size() < count; --left) {
    size_t& drawn = pool[below(static_cast<uint32_t>(left))];
    sample.push_back(drawn);
    drawn = pool[left - 1];
  }
  return sample;
}

std::vector<size_t> PythonRandom::sample_by_rejection(size_t population, size_t count) {
  std::vector<size_t> sample;
  while (sample.size() < count) {
    const size_t drawn = below(static_cast<uint32_t>(population));
    if (std::ranges::find(sample, drawn) == sample.end()) sample.push_back(drawn);
  }
  return sample;
}

}  // namespace strata::eval
