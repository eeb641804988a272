// The CUDA executors of the kernel bodies.
#pragma once

#include <type_traits>

#include "device.cuh"
#include "kernels/lanes.inl"

namespace strata::kernels {

// Elements that one thread moves at once: 16 bytes of the narrower type, so wider ones take several moves. Rows are
// pointers, or in tests what stands for one into shared memory.
template <class Row, int kCount>
__device__ inline Lanes<kCount> read(Row row, At<kCount> at) {
  using T = cuda::Element<Row>;
  constexpr int kPart = sizeof(T) * kCount > 16 ? 16 / sizeof(T) : kCount;
  Lanes<kCount> lanes;
  for (int begin = 0; begin < kCount; begin += kPart) {
    const auto part = cuda::load_vector<T, kPart>(row + at.first + begin);
    for (int lane = 0; lane < kPart; ++lane) lanes.value[begin + lane] = widen(part.value[lane]);
  }
  return lanes;
}

template <class Row, int kCount>
__device__ inline void write(Row row, At<kCount> at, const Lanes<kCount>& lanes) {
  using T = cuda::Element<Row>;
  constexpr int kPart = sizeof(T) * kCount > 16 ? 16 / sizeof(T) : kCount;
  for (int begin = 0; begin < kCount; begin += kPart) {
    cuda::Vector<T, kPart> part;
    for (int lane = 0; lane < kPart; ++lane) part.value[lane] = narrow<T>(lanes.value[begin + lane]);
    cuda::store_vector<T, kPart>(row + at.first + begin, part);
  }
}

}  // namespace strata::kernels

namespace strata::kernels::cuda {

inline constexpr unsigned kWholeWarp = 0xFFFFFFFFU;
inline constexpr int kWarp = 32;
inline constexpr int kMostThreads = 1024;

struct Plus {
  __device__ static float of(float a, float b) { return a + b; }
};

struct Maximum {
  __device__ static float of(float a, float b) { return a > b ? a : b; }
};

/// The same in all lanes: a butterfly, so of a fixed shape.
template <class Combine>
__device__ inline float over_warp(float value) {
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    value = Combine::of(value, __shfl_xor_sync(kWholeWarp, value, distance));
  }
  return value;
}

/// The threads of a block along x work on one row; a thread has kCount neighbouring elements at a time, always the same
/// ones. The row's length must be a multiple of kCount, and every array that a body reads or writes aligned to what a
/// thread moves. Where sums, maxima and wait() are used, each y of a block of several has a row of its own and one
/// warp.
template <int kCount>
struct BlockExecutor {
  static constexpr bool kLoops = false;

  template <class F>
  __device__ void each(int64_t n, const F& f) const {
    const int end = static_cast<int>(n);
    for (int i = static_cast<int>(threadIdx.x) * kCount; i < end; i += static_cast<int>(blockDim.x) * kCount) {
      f(At<kCount>{i});
    }
  }

  template <class F>
  __device__ void each_of(int64_t n, int64_t size, const F& f) const {
    const int width = static_cast<int>(size);
    each(n * size, [&](At<kCount> i) { f(i.first / width, At<kCount>{i.first % width}); });
  }

  __device__ void wait() const { blockDim.y > 1 ? __syncwarp() : __syncthreads(); }

  template <int K, class F>
  __device__ Sums<K> sum(int64_t n, const F& f) const {
    Sums<K> mine{};
    each(n, [&](At<kCount> i) {
      const Sums<K> terms = f(i);
      for (int k = 0; k < K; ++k) mine.value[k] += terms[k];
    });
    return over_block<Plus>(mine);
  }

  template <class F>
  __device__ float max(int64_t n, const F& f) const {
    Sums<1> mine{{-__builtin_huge_valf()}};
    each(n, [&](At<kCount> i) {
      const auto values = f(i);
      for (int lane = 0; lane < kCount; ++lane) mine.value[0] = Maximum::of(mine.value[0], lane_of(values, lane));
    });
    return over_block<Maximum>(mine)[0];
  }

  __device__ bool leader() const { return threadIdx.x == 0; }

 private:
  // The same in all threads. Warps' results are combined in order.
  template <class Combine, int K>
  __device__ static Sums<K> over_block(Sums<K> mine) {
    STRATA_SHARED(float, of_warp, K*(kMostThreads / kWarp));
    const int warp = static_cast<int>(threadIdx.x) / kWarp;
    const int warps = static_cast<int>(blockDim.x) / kWarp;
    for (int k = 0; k < K; ++k) mine.value[k] = over_warp<Combine>(mine.value[k]);
    if (warps == 1) return mine;
    __syncthreads();  // whoever still reads the results of the reduction before
    if (threadIdx.x % kWarp == 0) {
      for (int k = 0; k < K; ++k) of_warp[k * warps + warp] = mine.value[k];
    }
    __syncthreads();
    for (int k = 0; k < K; ++k) {
      float all = of_warp[k * warps];
      for (int other = 1; other < warps; ++other) all = Combine::of(all, of_warp[k * warps + other]);
      mine.value[k] = all;
    }
    return mine;
  }
};

/// Elements of T that are 16 bytes.
template <class T>
inline constexpr int kVector = 16 / sizeof(T);

__host__ __device__ inline bool is_aligned(const void* pointer) {
  return reinterpret_cast<uintptr_t>(pointer) % 16 == 0;
}

/// f(count): a vector's elements where rows of this width allow it, starting at these addresses, else 1. As a constant.
template <class T, class F, class... Pointers>
void with_vectors(int64_t width, F&& f, const Pointers*... rows) {
  if (width % kVector<T> == 0 && (is_aligned(rows) && ...)) {
    f(std::integral_constant<int, kVector<T>>{});
  } else {
    f(std::integral_constant<int, 1>{});
  }
}

/// Threads of a block that works on `items` things: whole warps, at most `most`.
inline unsigned threads_for(int64_t items, int64_t most) {
  const int64_t wanted = (items + kWarp - 1) / kWarp * kWarp;
  return static_cast<unsigned>(wanted < most ? wanted : most);
}

inline unsigned blocks_for(int64_t items, int64_t per_block) {
  return static_cast<unsigned>((items + per_block - 1) / per_block);
}

}  // namespace strata::kernels::cuda
