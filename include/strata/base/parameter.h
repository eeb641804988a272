#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace strata {

/// What a parameter is, as far as others need to know: gates have their own clip group.
enum class ParameterRole { kEmbedding, kLinear, kGain, kGate, kHead };

/// A parameter's place in the flat arenas of parameters, gradients and moments, which have one layout.
struct ParamSpec {
  std::string name;            // as in Hugging Face's LLaMA and the paper's code
  std::vector<int64_t> shape;  // [] for a gate
  int64_t offset = 0;          // elements from the arena's start
  ParameterRole role = ParameterRole::kLinear;
  int64_t layer = -1;  // -1: outside the layers
  double start_mean = 0.0;
  double start_std = 0.0;

  int64_t count() const {
    int64_t product = 1;
    for (const int64_t size : shape) product *= size;
    return product;
  }
};

/// Elements [begin, end) of the arenas.
struct ArenaRange {
  int64_t begin = 0;
  int64_t end = 0;

  int64_t size() const { return end - begin; }
  bool operator==(const ArenaRange&) const = default;
};

/// Elements: in an arena every group of parameters starts on such a boundary, in fp32 of 128 bytes.
inline constexpr int64_t kArenaAlignment = 32;

/// The next such boundary at or behind `end`.
constexpr int64_t aligned(int64_t end) { return (end + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment; }

/// Elements that sums over an arena take together, counted from its start. Who computes a block does not matter.
inline constexpr int64_t kArenaBlock = 4096;

}  // namespace strata
