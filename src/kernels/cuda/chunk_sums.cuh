// Sums over chunks of rows, added to the gradients of what all rows share.
#pragma once

#include <vector>

#include "kernels/gate.inl"
#include "kernels/junction.inl"
#include "launch.cuh"

namespace strata::kernels::cuda {

/// A gradient, and where in a chunk's sums those of its elements stand.
struct SumTarget {
  Array gradient;
  int64_t place;
  int64_t columns;
  bool is_gate = false;  // the sum is one of a gate's, whose slope it lacks
};

inline constexpr int kSumColumns = 32;   // of a block, along x
inline constexpr int kSumSections = 32;  // of the chunks, along y
inline constexpr int kMostTargets = 13;  // of a junction with norms of all kinds

/// As kernels take them.
template <class G>
struct SumTargets {
  struct One {
    G* gradient;
    int place, columns;
    bool is_gate;
  };
  One one[kMostTargets];
  GateAlpha alpha;
};

/// The sum of a column over the chunks: of each section in order, then of the sections in order. In all threads of y 0.
__device__ inline double sum_of_chunks(const float* column, int64_t chunks, int64_t stride) {
  STRATA_SHARED(double, of_section, kSumSections* kSumColumns);
  const int64_t each = (chunks + kSumSections - 1) / kSumSections;
  const int64_t begin = threadIdx.y * each;
  const int64_t end = begin + each < chunks ? begin + each : chunks;
  double sum = 0.0;
  if (column != nullptr) {
    for (int64_t chunk = begin; chunk < end; ++chunk) sum += static_cast<double>(column[chunk * stride]);
  }
  of_section[threadIdx.y * kSumColumns + threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y > 0) return 0.0;
  double total = 0.0;
  for (int section = 0; section < kSumSections; ++section) total += of_section[section * kSumColumns + threadIdx.x];
  return total;
}

// A block for a few columns of one target's sums; along y of the grid are the targets.
template <class G>
static __global__ void __launch_bounds__(kSumColumns* kSumSections)
    add_chunk_sums_kernel(const float* partial_sums, int64_t chunks, int64_t stride, SumTargets<G> targets) {
  const typename SumTargets<G>::One& target = targets.one[blockIdx.y];
  const int column = static_cast<int>(blockIdx.x) * kSumColumns + static_cast<int>(threadIdx.x);
  const bool is_there = column < target.columns;
  const double sum = sum_of_chunks(is_there ? partial_sums + target.place + column : nullptr, chunks, stride);
  if (threadIdx.y > 0 || !is_there) return;
  const float added = target.is_gate ? gate_gradient(gate_value(targets.alpha).slope, sum) : static_cast<float>(sum);
  write(target.gradient, column, read(target.gradient, column) + added);
}

/// partial_sums: [chunks, stride]. targets: of one type.
inline void add_chunk_sums(const std::vector<SumTarget>& targets, const float* partial_sums, int64_t chunks,
                           int64_t stride, const GateAlpha& alpha, Stream stream) {
  if (targets.empty()) return;
  with_storage(
      [&]<class G>(G*) {
        SumTargets<G> of_kernel{};
        of_kernel.alpha = alpha;
        int64_t columns = 1;
        int count = 0;
        for (const SumTarget& target : targets) {
          of_kernel.one[count++] = {static_cast<G*>(target.gradient.data), static_cast<int>(target.place),
                                    static_cast<int>(target.columns), target.is_gate};
          columns = target.columns > columns ? target.columns : columns;
        }
        launch(&add_chunk_sums_kernel<G>, dim3(blocks_for(columns, kSumColumns), static_cast<unsigned>(count)),
               dim3(kSumColumns, kSumSections), 0, stream, partial_sums, chunks, stride, of_kernel);
      },
      targets.front().gradient);
}

}  // namespace strata::kernels::cuda
