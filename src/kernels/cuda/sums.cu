// Sums over arenas and over what other kernels leave behind, and what clipping makes of them. In fp64, but for the
// squares of a block; of a fixed shape, without atomics.
#include "kernels/clip.inl"
#include "launch.cuh"

namespace strata::kernels::cuda {
namespace {

constexpr int kThreads = 256;

// The sum over a block of kThreads threads, in its first thread: a butterfly in each warp, then the warps in order.
__device__ inline double over_block(double value) {
  STRATA_SHARED(double, of_warp, kThreads / kWarp);
  for (int distance = kWarp / 2; distance > 0; distance /= 2) value += __shfl_xor_sync(kWholeWarp, value, distance);
  __syncthreads();  // whoever still reads the results of the sum before
  if (threadIdx.x % kWarp == 0) of_warp[threadIdx.x / kWarp] = value;
  __syncthreads();
  double total = 0.0;
  for (int warp = 0; warp < kThreads / kWarp; ++warp) total += of_warp[warp];
  return total;
}

// f(i) for i = begin ... end - 1, summed over the block.
template <class F>
__device__ inline double sum_over(int64_t begin, int64_t end, const F& f) {
  double mine = 0.0;
  for (int64_t i = begin + threadIdx.x; i < end; i += kThreads) mine += f(i);
  return over_block(mine);
}

template <class T>
static __global__ void __launch_bounds__(kThreads)
    sums_of_squares_kernel(const T* flat, const int64_t* blocks, float* squares) {
  const T* begin = flat + blocks[2 * blockIdx.x];
  const int64_t count = blocks[2 * blockIdx.x + 1];
  const auto square = [](auto value) { return sums(value * value); };
  const int64_t whole = is_aligned(begin) ? count / kVector<T> * kVector<T> : 0;
  const T* rest = begin + whole;
  const float sum = BlockExecutor<kVector<T>>{}.template sum<1>(whole, [&](auto i) {
    return square(read(begin, i));
  })[0] + BlockExecutor<1>{}.template sum<1>(count - whole, [&](auto i) { return square(read(rest, i)); })[0];
  if (threadIdx.x == 0) squares[blockIdx.x] = sum;
}

template <class T>
static __global__ void values_at_kernel(const T* flat, const int64_t* places, int64_t count, float* values) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < count) values[i] = places[i] < 0 ? 0.0F : widen(flat[places[i]]);
}

static __global__ void __launch_bounds__(kThreads)
    add_sum_kernel(const float* values, int64_t count, const double* scale, double* total) {
  const double sum = sum_over(0, count, [&](int64_t i) { return static_cast<double>(values[i]); });
  if (threadIdx.x == 0) *total = fma(scale == nullptr ? 1.0 : *scale, sum, *total);
}

// A block for each column.
static __global__ void __launch_bounds__(kThreads)
    add_rows_kernel(const float* rows, int64_t count, int64_t columns, double* sums) {
  const float* column = rows + blockIdx.x;
  const double sum = sum_over(0, count, [&](int64_t n) { return static_cast<double>(column[n * columns]); });
  if (threadIdx.x == 0) sums[blockIdx.x] += sum;
}

static __global__ void __launch_bounds__(kThreads)
    sums_of_runs_kernel(const float* values, const int64_t* starts, double* sums) {
  const double sum =
      sum_over(starts[blockIdx.x], starts[blockIdx.x + 1], [&](int64_t i) { return static_cast<double>(values[i]); });
  if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

static __global__ void __launch_bounds__(kThreads) clip_kernel(ClipRule rule, const double* loss, const double* squares,
                                                               const bool* is_gate, int64_t count, double* outcome) {
  const double all = sum_over(0, count, [&](int64_t p) { return squares[p]; });
  const double gates = sum_over(0, count, [&](int64_t p) { return is_gate[p] ? squares[p] : 0.0; });
  if (threadIdx.x == 0) decide(rule, *loss, all, gates, outcome);
}

}  // namespace

void CudaKernels::sums_of_squares(float* squares, Array flat, const int64_t* blocks, int64_t count) const {
  if (count == 0) return;
  const auto run = [&]<class T>(const T* flat) {
    launch(&sums_of_squares_kernel<T>, grid_of(count), dim3(kThreads), 0, stream(), flat, blocks, squares);
  };
  with_storage(run, flat);
}

void CudaKernels::values_at(float* values, Array flat, const int64_t* places, int64_t count) const {
  if (count == 0) return;
  const auto run = [&]<class T>(const T* flat) {
    launch(&values_at_kernel<T>, dim3(blocks_for(count, kWarp)), dim3(kWarp), 0, stream(), flat, places, count, values);
  };
  with_storage(run, flat);
}

void CudaKernels::add_sum(double* total, const float* values, int64_t count, const double* scale) const {
  launch(&add_sum_kernel, dim3(1), dim3(kThreads), 0, stream(), values, count, scale, total);
}

void CudaKernels::add_rows(double* sums, const float* rows, int64_t count, int64_t columns) const {
  launch(&add_rows_kernel, grid_of(columns), dim3(kThreads), 0, stream(), rows, count, columns, sums);
}

void CudaKernels::sums_of_runs(double* sums, const float* values, const int64_t* starts, int64_t runs) const {
  if (runs == 0) return;
  launch(&sums_of_runs_kernel, grid_of(runs), dim3(kThreads), 0, stream(), values, starts, sums);
}

void CudaKernels::clip(double* outcome, const ClipRule& rule, const double* loss, const double* squares,
                       const bool* is_gate, int64_t count) const {
  launch(&clip_kernel, dim3(1), dim3(kThreads), 0, stream(), rule, loss, squares, is_gate, count, outcome);
}

}  // namespace strata::kernels::cuda
