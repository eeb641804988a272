#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace strata {

/// What a parameter is, as far as others need to know: gates have their own clip group.
enum class ParameterRole { kEmbedding, kLinear, kGain, kGate, kHead };

/// The number of elements of such a shape.
inline int64_t count_of(const std::vector<int64_t>& shape) {
  int64_t product = 1;
  for (const int64_t size : shape) product *= size;
  return product;
}

/// A parameter's place in the flat arenas of parameters, gradients and moments, which have one layout.
struct ParamSpec {
  std::string name;            // as in Hugging Face's LLaMA and the paper's code
  std::vector<int64_t> shape;  // [] for a gate
  int64_t offset = 0;          // elements from the arena's start
  ParameterRole role = ParameterRole::kLinear;
  int64_t layer = -1;  // -1: outside the layers
  double start_mean = 0.0;
  double start_std = 0.0;
  std::vector<int64_t> padded = {};  // of a matrix, its shape in the arenas where that is larger

  int64_t count() const { return count_of(shape); }

  /// What lies in the arenas: behind the rows and columns that there are, zeros, which nothing changes. Only the model
  /// and what goes over whole arenas know of them: who asks for a parameter, files included, gets what there is of it.
  const std::vector<int64_t>& arena_shape() const { return padded.empty() ? shape : padded; }
  int64_t arena_count() const { return count_of(arena_shape()); }
};

/// Elements [begin, end) of the arenas.
struct ArenaRange {
  int64_t begin = 0;
  int64_t end = 0;

  int64_t size() const { return end - begin; }
  bool operator==(const ArenaRange&) const = default;
};

/// What both have; of no size or less where that is nothing.
inline ArenaRange common(const ArenaRange& one, const ArenaRange& other) {
  return {std::max(one.begin, other.begin), std::min(one.end, other.end)};
}

inline int64_t total_size(const std::vector<ArenaRange>& ranges) {
  int64_t size = 0;
  for (const ArenaRange& range : ranges) size += range.size();
  return size;
}

/// f(part, place) for every part of `wanted` that the ranges have, which rise: place is where it begins in memory that
/// holds the ranges end to end.
template <class F>
void each_part(const std::vector<ArenaRange>& ranges, const ArenaRange& wanted, const F& f) {
  int64_t place = 0;
  for (const ArenaRange& range : ranges) {
    const ArenaRange part = common(range, wanted);
    if (part.size() > 0) f(part, place + part.begin - range.begin);
    place += range.size();
  }
}

/// Where a parameter lies, with its padding.
inline ArenaRange place_of(const ParamSpec& param) { return {param.offset, param.offset + param.arena_count()}; }

/// Elements: in an arena every group of parameters starts on such a boundary, in fp32 of 128 bytes.
inline constexpr int64_t kArenaAlignment = 32;

/// The next such boundary at or behind `end`.
constexpr int64_t aligned(int64_t end) { return (end + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment; }

/// Elements that sums over an arena take together, counted from its start. Who computes a block does not matter.
inline constexpr int64_t kArenaBlock = 4096;

}  // namespace strata
