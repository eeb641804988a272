// Junctions: a block for each row forward; backward a block for each chunk of rows, which leaves the chunk's sums
// behind, and then a block for each few columns of those.
#include "chunk_sums.cuh"
#include "kernels/junction_kinds.inl"
#include "launch.cuh"

namespace strata::kernels::cuda {
namespace {

template <int kCount, bool kBranchNorm, bool kOutNorm, class T>
static __global__ void junction_forward_kernel(JunctionForwardRow<T> first, JunctionScales scales) {
  first.factor = forward_factors(scales);
  junction_forward_row<kBranchNorm, kOutNorm>(BlockExecutor<kCount>{}, advance(first, blockIdx.x));
}

template <int kCount, class T>
static __global__ void junction_forward_kernel_of_kinds(JunctionForwardRow<T> first, JunctionScales scales) {
  first.factor = forward_factors(scales);
  junction_forward_row_of_kinds(BlockExecutor<kCount>{}, advance(first, blockIdx.x));
}

// A chunk's sums stand in shared memory, as in its row of `partial_sums` (JunctionSums). A thread always has the same
// columns, so that no barrier is needed between rows. f(exec, row, sums).
template <int kCount, class T, class Shared, class F>
__device__ inline void junction_backward_of_chunk(JunctionBackwardRow<T> first, const JunctionScales& scales,
                                                  int64_t rows, float* partial_sums, bool only_rms, Shared sums,
                                                  const F& f) {
  const BlockExecutor<kCount> exec;
  const int64_t width = first.width;
  const int64_t wide = wide_junction_sums(only_rms);
  const int64_t stride = junction_sums_size(width, only_rms);
  first.forward = forward_factors(scales);
  first.backward = backward_factors(scales);
  first.branch_scale = branch_factor(scales);
  const auto each_sum = [&](const auto& f) {
    for (int64_t array = 0; array < wide; ++array) {
      exec.each(width, [&](At<kCount> i) { f(array * width, i); });
    }
  };
  each_sum([&](int64_t begin, At<kCount> i) { write(sums + begin, i, spread(i, 0.0F)); });
  if (exec.leader()) {
    for (int64_t number = wide * width; number < stride; ++number) sums[number] = 0.0F;
  }
  const int64_t begin = blockIdx.x * kJunctionChunk;
  const int64_t end = begin + kJunctionChunk < rows ? begin + kJunctionChunk : rows;
  for (int64_t n = begin; n < end; ++n) f(exec, advance(first, n), junction_sums(sums + 0, width, only_rms));
  // A chunk's row of `partial_sums` is of odd length: not for vectors.
  float* chunk_sums = partial_sums + blockIdx.x * stride;
  each_sum([&](int64_t begin, At<kCount> i) {
    for (int64_t at = begin + i.first; at < begin + i.first + kCount; ++at) chunk_sums[at] = sums[at];
  });
  if (exec.leader()) {
    for (int64_t number = wide * width; number < stride; ++number) chunk_sums[number] = sums[number];
  }
}

template <int kCount, bool kBranchNorm, bool kOutNorm, class T>
static __global__ void junction_backward_kernel(JunctionBackwardRow<T> first, JunctionScales scales, int64_t rows,
                                                float* partial_sums) {
  STRATA_DYNAMIC_SHARED(sums);
  junction_backward_of_chunk<kCount>(first, scales, rows, partial_sums, true, sums,
                                     [](const auto& exec, const auto& row, const auto& sums) {
                                       junction_backward_row<kBranchNorm, kOutNorm>(exec, row, sums);
                                     });
}

template <int kCount, class T>
static __global__ void junction_backward_kernel_of_kinds(JunctionBackwardRow<T> first, JunctionScales scales,
                                                         int64_t rows, float* partial_sums) {
  STRATA_DYNAMIC_SHARED(sums);
  junction_backward_of_chunk<kCount>(
      first, scales, rows, partial_sums, false, sums,
      [](const auto& exec, const auto& row, const auto& sums) { junction_backward_row_of_kinds(exec, row, sums); });
}

// f(branch norm, out norm), as constants.
template <class F>
void with_norms(const JunctionShape& shape, F&& f) {
  with_flag(shape.branch_norm,
            [&](auto branch_norm) { with_flag(shape.out_norm, [&](auto out_norm) { f(branch_norm, out_norm); }); });
}

template <class T>
void forward(const JunctionForwardRow<T>& first, const JunctionScales& scales, const JunctionShape& shape,
             Stream stream) {
  if (!shape.only_rms) {
    return with_vectors<T>(
        first.width,
        [&](auto count) {
          launch(&junction_forward_kernel_of_kinds<count, T>, grid_of(shape.rows), block_of(first.width, count), 0,
                 stream, first, scales);
        },
        first.stream, first.branch, first.sum);
  }
  with_norms(shape, [&](auto branch_norm, auto out_norm) {
    with_vectors<T>(
        first.width,
        [&](auto count) {
          launch(&junction_forward_kernel<count, branch_norm, out_norm, T>, grid_of(shape.rows),
                 block_of(first.width, count), 0, stream, first, scales);
        },
        first.stream, first.branch, first.sum);
  });
}

// The chunks' sums, to the parameters that want them.
void add_gradients(int64_t width, int64_t rows, const GateAlpha& alpha, const JunctionGradientArrays& gradients,
                   bool only_rms, Stream stream) {
  std::vector<SumTarget> targets;
  for (const JunctionSum& sum : wanted_sums(gradients, width, only_rms)) {
    const bool is_row = sum.kind == JunctionSum::Kind::kRow;
    targets.push_back({sum.gradient, sum.place, is_row ? width : 1, sum.kind == JunctionSum::Kind::kGate});
  }
  add_chunk_sums(targets, gradients.partial_sums, junction_chunks(rows), junction_sums_size(width, only_rms), alpha,
                 stream);
}

template <class T>
void backward(const JunctionBackwardRow<T>& first, const JunctionScales& scales, const JunctionShape& shape,
              const JunctionGradientArrays& gradients, Stream stream) {
  const dim3 grid = grid_of(junction_chunks(shape.rows));
  const auto shared = static_cast<size_t>(junction_sums_size(first.width, shape.only_rms)) * sizeof(float);
  const auto run = [&](auto kernel_of) {
    with_vectors<T>(
        first.width,
        [&](auto count) {
          launch(kernel_of(count), grid, block_of(first.width, count), shared, stream, first, scales, shape.rows,
                 gradients.partial_sums);
        },
        first.sum, first.grad_stream, first.grad_branch);
  };
  if (shape.only_rms) {
    with_norms(shape, [&](auto branch_norm, auto out_norm) {
      run([&](auto count) { return &junction_backward_kernel<count, branch_norm, out_norm, T>; });
    });
  } else {
    run([](auto count) { return &junction_backward_kernel_of_kinds<count, T>; });
  }
  add_gradients(first.width, shape.rows, scales.gate, gradients, shape.only_rms, stream);
}

}  // namespace

void CudaKernels::junction_forward(const JunctionForwardRow<float>& first, const JunctionScales& scales,
                                   const JunctionShape& shape) const {
  forward(first, scales, shape, stream());
}

void CudaKernels::junction_forward(const JunctionForwardRow<Bf16>& first, const JunctionScales& scales,
                                   const JunctionShape& shape) const {
  forward(first, scales, shape, stream());
}

void CudaKernels::junction_backward(const JunctionBackwardRow<float>& first, const JunctionScales& scales,
                                    const JunctionShape& shape, const JunctionGradientArrays& gradients) const {
  backward(first, scales, shape, gradients, stream());
}

void CudaKernels::junction_backward(const JunctionBackwardRow<Bf16>& first, const JunctionScales& scales,
                                    const JunctionShape& shape, const JunctionGradientArrays& gradients) const {
  backward(first, scales, shape, gradients, stream());
}

}  // namespace strata::kernels::cuda
