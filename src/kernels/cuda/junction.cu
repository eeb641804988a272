// Junctions: a block for each row forward; backward a block for each chunk of rows, which leaves the chunk's sums
// behind, and then a block for each few columns of those.
#include "kernels/junction.inl"
#include "launch.cuh"

namespace strata::kernels::cuda {
namespace {

template <int kCount, bool kBranchNorm, bool kOutNorm, class T>
static __global__ void junction_forward_kernel(JunctionForwardRow<T> first, JunctionScales scales) {
  first.factor = forward_factors(scales);
  junction_forward_row<kBranchNorm, kOutNorm>(BlockExecutor<kCount>{}, advance(first, blockIdx.x));
}

// A chunk's sums stand in shared memory, as in its row of `partial_sums`: those of the gains, one after another, then
// the gate's. A thread always has the same columns, so that no barrier is needed between rows.
template <int kCount, bool kBranchNorm, bool kOutNorm, class T>
static __global__ void junction_backward_kernel(JunctionBackwardRow<T> first, JunctionScales scales, int64_t rows,
                                                float* partial_sums) {
  STRATA_DYNAMIC_SHARED(sums);
  const BlockExecutor<kCount> exec;
  const int64_t width = first.width;
  const int64_t stride = kJunctionGains * width + 1;
  first.forward = forward_factors(scales);
  first.backward = backward_factors(scales);
  first.branch_scale = branch_factor(scales);
  const auto each_sum = [&](const auto& f) {
    for (int64_t gain = 0; gain < kJunctionGains; ++gain) {
      exec.each(width, [&](At<kCount> i) { f(gain * width, i); });
    }
  };
  each_sum([&](int64_t begin, At<kCount> i) { write(sums + begin, i, spread(i, 0.0F)); });
  if (exec.leader()) sums[stride - 1] = 0.0F;
  const int64_t begin = blockIdx.x * kJunctionChunk;
  const int64_t end = begin + kJunctionChunk < rows ? begin + kJunctionChunk : rows;
  for (int64_t n = begin; n < end; ++n) {
    junction_backward_row<kBranchNorm, kOutNorm>(exec, advance(first, n), junction_sums(sums + 0, width));
  }
  // A chunk's row of `partial_sums` is of odd length: not for vectors.
  float* chunk_sums = partial_sums + blockIdx.x * stride;
  each_sum([&](int64_t begin, At<kCount> i) {
    for (int64_t at = begin + i.first; at < begin + i.first + kCount; ++at) chunk_sums[at] = sums[at];
  });
  if (exec.leader()) chunk_sums[stride - 1] = sums[stride - 1];
}

constexpr int kColumns = 32;   // of a block, along x
constexpr int kSections = 32;  // of the chunks, along y

/// The sum of a column over the chunks: of each section in order, then of the sections in order. In all threads of y 0.
__device__ inline double sum_of_chunks(const float* column, int64_t chunks, int64_t stride) {
  STRATA_SHARED(double, of_section, kSections* kColumns);
  const int64_t each = (chunks + kSections - 1) / kSections;
  const int64_t begin = threadIdx.y * each;
  const int64_t end = begin + each < chunks ? begin + each : chunks;
  double sum = 0.0;
  if (column != nullptr) {
    for (int64_t chunk = begin; chunk < end; ++chunk) sum += static_cast<double>(column[chunk * stride]);
  }
  of_section[threadIdx.y * kColumns + threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y > 0) return 0.0;
  double total = 0.0;
  for (int section = 0; section < kSections; ++section) total += of_section[section * kColumns + threadIdx.x];
  return total;
}

/// Gradients that a junction's backward adds to: of up to three gains, and of the gate, whose sums lie behind theirs.
template <class G>
struct ParameterGradients {
  G *branch_gain, *out_gain, *next_gain, *gate;  // nullptr: not wanted
  GateAlpha alpha;

  __device__ G* at(unsigned which) const {
    return which == 0 ? branch_gain : which == 1 ? out_gain : which == 2 ? next_gain : gate;
  }
};

// A block for a few columns of one array's sums; along y of the grid are the gains, and then the gate.
template <class G>
static __global__ void __launch_bounds__(kColumns* kSections)
    add_parameter_gradients_kernel(const float* partial_sums, int64_t chunks, int64_t stride, int64_t width,
                                   ParameterGradients<G> gradients) {
  const bool is_gate = blockIdx.y == kJunctionGains;
  G* gradient = gradients.at(blockIdx.y);
  const int64_t columns = is_gate ? 1 : width;
  const int64_t column = static_cast<int64_t>(blockIdx.x) * kColumns + threadIdx.x;
  const bool is_there = gradient != nullptr && column < columns;
  const double sum = sum_of_chunks(is_there ? partial_sums + blockIdx.y * width + column : nullptr, chunks, stride);
  if (threadIdx.y > 0 || !is_there) return;
  const float added = is_gate ? gate_gradient(gate_value(gradients.alpha).slope, sum) : static_cast<float>(sum);
  write(gradient, column, read(gradient, column) + added);
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
void add_gradients(int64_t width, int64_t chunks, const GateAlpha& alpha, const JunctionGradientArrays& gradients,
                   Stream stream) {
  Array any = gradients.gate;
  for (const Array& gain : {gradients.branch_gain, gradients.out_gain, gradients.next_gain}) {
    any = gain.data != nullptr ? gain : any;
  }
  if (any.data == nullptr) return;
  with_storage(
      [&]<class G>(G*) {
        const auto pointer_of = [](const Array& array) { return static_cast<G*>(array.data); };
        const ParameterGradients<G> wanted{pointer_of(gradients.branch_gain), pointer_of(gradients.out_gain),
                                           pointer_of(gradients.next_gain), pointer_of(gradients.gate), alpha};
        launch(&add_parameter_gradients_kernel<G>, dim3(blocks_for(width, kColumns), kJunctionGains + 1),
               dim3(kColumns, kSections), 0, stream, gradients.partial_sums, chunks, kJunctionGains * width + 1, width,
               wanted);
      },
      any);
}

template <class T>
void backward(const JunctionBackwardRow<T>& first, const JunctionScales& scales, const JunctionShape& shape,
              const JunctionGradientArrays& gradients, Stream stream) {
  const int64_t stride = kJunctionGains * first.width + 1;
  const int64_t chunks = junction_chunks(shape.rows);
  with_norms(shape, [&](auto branch_norm, auto out_norm) {
    with_vectors<T>(
        first.width,
        [&](auto count) {
          launch(&junction_backward_kernel<count, branch_norm, out_norm, T>, grid_of(chunks),
                 block_of(first.width, count), static_cast<size_t>(stride) * sizeof(float), stream, first, scales,
                 shape.rows, gradients.partial_sums);
        },
        first.sum, first.grad_stream, first.grad_branch);
  });
  add_gradients(first.width, chunks, scales.gate, gradients, stream);
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
