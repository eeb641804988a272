#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace strata::eval {

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
