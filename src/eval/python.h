// What of Python decides the contexts of upstream's harness: text as str sees it (code points, and the white space that
// str.strip() and str.isspace() know), and random.Random.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace strata::eval {

/// str.isspace() of one character in UTF-8.
bool is_space(std::string_view character);

/// The bytes of the character that text begins with; 1 for what is no UTF-8. text is not empty.
size_t size_of_character(std::string_view text);

/// str.rstrip() of UTF-8.
std::string_view right_stripped(std::string_view text);

/// str.strip() of UTF-8.
std::string_view stripped(std::string_view text);

/// len(text) of UTF-8.
int64_t count_characters(std::string_view text);

/// random.Random(seed) of CPython 3.11, as far as few-shot sampling needs it: MT19937 seeded by init_by_array
/// (Modules/_randommodule.c), and _randbelow_with_getrandbits and sample of Lib/random.py.
class PythonRandom {
 public:
  explicit PythonRandom(uint32_t seed);

  /// randrange(n), n > 0: from 0 to n - 1.
  uint32_t below(uint32_t n);

  /// sample(range(population), count), count <= population.
  std::vector<size_t> sample(size_t population, size_t count);

 private:
  std::vector<size_t> sample_from_list(size_t population, size_t count);
  std::vector<size_t> sample_by_rejection(size_t population, size_t count);

  std::mt19937 engine_;
};

}  // namespace strata::eval
