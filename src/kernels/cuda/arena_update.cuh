// Launches of passes over a range of the arenas.
#pragma once

#include "kernels/arena_update.inl"
#include "launch.cuh"

namespace strata::kernels::cuda {

inline constexpr int64_t kArenaThreads = 256;
inline constexpr int64_t kArenaPerBlock = 8192;  // elements

/// What of a range a block of the grid has.
template <class Arrays>
__device__ inline Arrays part_of_block(const Arrays& all) {
  const int64_t begin = blockIdx.x * kArenaPerBlock;
  const int64_t left = all.count - begin;
  return part_of(all, begin, left < kArenaPerBlock ? left : kArenaPerBlock);
}

template <int kCount, bool kStochastic, class Rule, class T>
static __global__ void update_kernel(Rule rule, ArenaPointers<T, Rule::kStates> arrays, const double* factor,
                                     const double* apply) {
  if (*apply == 0.0) return;
  rule.gradient_scale = static_cast<float>(*factor);
  update_range<kStochastic>(BlockExecutor<kCount>{}, rule, part_of_block(arrays));
}

/// launch_part(count, part, grid, block): what vectors of kLanes elements can move, and then the rest.
template <int kLanes, class Arrays, class Launch>
void launch_by_vectors(const Arrays& arrays, bool aligned, const Launch& launch_part) {
  const int64_t whole = aligned ? arrays.count / kLanes * kLanes : 0;
  const auto launch_some = [&](auto count, const Arrays& part) {
    if (part.count > 0) launch_part(count, part, dim3(blocks_for(part.count, kArenaPerBlock)), dim3(kArenaThreads));
  };
  launch_some(std::integral_constant<int, kLanes>{}, part_of(arrays, 0, whole));
  launch_some(std::integral_constant<int, 1>{}, part_of(arrays, whole, arrays.count - whole));
}

template <class Rule, class T>
void launch_update(const Rule& rule, const ArenaPointers<T, Rule::kStates>& arrays, bool stochastic,
                   const double* factor, const double* apply, Stream stream) {
  bool aligned = is_aligned(arrays.value) && is_aligned(arrays.gradient) && is_aligned(arrays.copy);
  for (const T* state : arrays.state) aligned = aligned && is_aligned(state);
  launch_by_vectors<kVector<T>>(arrays, aligned, [&](auto count, const auto& part, dim3 grid, dim3 block) {
    with_flag(stochastic, [&](auto by_chance) {
      launch(&update_kernel<count, by_chance, Rule, T>, grid, block, 0, stream, rule, part, factor, apply);
    });
  });
}

}  // namespace strata::kernels::cuda
