#include "cuda_on_host/sample_kernels.h"

#include "kernels/cuda/device.cuh"

namespace strata::test::samples {
namespace {

using kernels::cuda::launch;
using kernels::cuda::load_vector;
using kernels::cuda::store_vector;

template <class T>
__device__ __forceinline__ T warp_sum(T value) {
  for (int distance = 16; distance > 0; distance /= 2) value += __shfl_xor_sync(0xFFFFFFFFU, value, distance);
  return value;
}

template <class Pointer>
__device__ float sum_of(Pointer values, int count) {
  float total = 0.0F;
  for (int i = 0; i < count; ++i) total += values[i];
  return total;
}

__device__ float block_sum(float value) {
  STRATA_SHARED(float, scratch, 32);
  value = warp_sum(value);
  __syncthreads();  // the sums of the call before have been read
  if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = value;
  __syncthreads();
  return sum_of(scratch, static_cast<int>(blockDim.x / 32));
}

static __global__ void __launch_bounds__(1024) sum_rows_kernel(const float* __restrict__ in, float* out, int width) {
  const float* row = in + static_cast<int64_t>(blockIdx.x) * width;
  float sum = 0.0F;
  float squares = 0.0F;
  for (unsigned i = threadIdx.x; i < static_cast<unsigned>(width); i += blockDim.x) {
    sum += row[i];
    squares += row[i] * row[i];
  }
  sum = block_sum(sum);
  squares = block_sum(squares);
  if (threadIdx.x != 0) return;
  out[blockIdx.x] = sum;
  out[gridDim.x + blockIdx.x] = squares;
}

static __global__ void sum_warps_kernel(const double* in, double* out) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  double sum = in[i];
  for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_down_sync(0xFFFFFFFFU, sum, distance);
  sum = __shfl_sync(0xFFFFFFFFU, sum, 0);
  if (threadIdx.x % 32 == 31) out[i / 32] = sum;
}

static __global__ void reverse_kernel(const float* in, float* out) {
  STRATA_DYNAMIC_SHARED(values);
  values[threadIdx.x] = in[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = values[blockDim.x - 1 - threadIdx.x];
}

static __global__ void transpose_kernel(const float* in, float* out, int rows, int columns) {
  STRATA_SHARED(float, tile, 32 * 33);
  const int left = static_cast<int>(blockIdx.x) * 32;
  const int top = static_cast<int>(blockIdx.y) * 32;
  const int x = static_cast<int>(threadIdx.x);
  for (int y = static_cast<int>(threadIdx.y); y < 32; y += 8) {
    if (top + y < rows && left + x < columns) tile[y * 33 + x] = in[(top + y) * columns + left + x];
  }
  __syncthreads();
  for (int y = static_cast<int>(threadIdx.y); y < 32; y += 8) {
    if (left + y < columns && top + x < rows) out[(left + y) * rows + top + x] = tile[x * 33 + y];
  }
}

static __global__ void add_one_kernel(const float* in, float* out, int n) {
  const int first = static_cast<int>(blockIdx.x * blockDim.x) * 4;
  if (first >= n) return;
  const int i = first + static_cast<int>(threadIdx.x) * 4;
  auto values = load_vector<float, 4>(in + i);
  for (float& value : values.value) value += 1.0F;
  store_vector(out + i, values);
  __syncthreads();
}

static __global__ void votes_kernel(const int* in, int* out) {
  const bool positive = in[threadIdx.x] > 0;
  const unsigned ballot = __ballot_sync(0xFFFFFFFFU, positive);
  const int any = __any_sync(0xFFFFFFFFU, positive);
  const int all = __all_sync(0xFFFFFFFFU, positive);
  const unsigned half = threadIdx.x < 16 ? 0x0000FFFFU : 0xFFFF0000U;
  int highest = in[threadIdx.x];
  for (int distance = 8; distance > 0; distance /= 2) {
    const int other = __shfl_xor_sync(half, highest, distance, 16);
    highest = other > highest ? other : highest;
  }
  if (threadIdx.x == 0) {
    out[0] = static_cast<int>(ballot);
    out[1] = any;
    out[2] = all;
  }
  if (threadIdx.x % 16 == 0) out[3 + threadIdx.x / 16] = highest;
}

static __global__ void warp_scratch_kernel(const int* in, int* out, unsigned* count) {
  STRATA_SHARED(int, scratch, 64);
  const unsigned t = threadIdx.x;
  const unsigned lane = t % 32;
  scratch[t] = in[t];
  for (unsigned distance = 16; distance > 0; distance /= 2) {
    __syncwarp();
    if (lane < distance) scratch[t] += scratch[t + distance];
  }
  if (lane == 0) out[t / 32] = scratch[t];
  if (in[t] > 0) atomicAdd(count, 1U);
}

static __global__ void indices_kernel(unsigned* out, unsigned* last) {
  const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  if (thread == 0) {
    out[3 * block] = blockIdx.x;
    out[3 * block + 1] = blockIdx.y;
    out[3 * block + 2] = blockIdx.z;
  }
  if (block == 0 && thread + 1 == blockDim.x * blockDim.y * blockDim.z) {
    last[0] = threadIdx.x;
    last[1] = threadIdx.y;
    last[2] = threadIdx.z;
  }
}

}  // namespace

void sum_rows(const float* in, float* out, int rows, int width, int threads) {
  launch(&sum_rows_kernel, dim3(static_cast<unsigned>(rows)), dim3(static_cast<unsigned>(threads)), 0, nullptr, in, out,
         width);
}

void sum_warps(const double* in, double* out, int warps) {
  launch(&sum_warps_kernel, dim3(static_cast<unsigned>(warps) / 2), dim3(64), 0, nullptr, in, out);
}

void reverse(const float* in, float* out, int n) {
  const auto threads = static_cast<unsigned>(n);
  launch(&reverse_kernel, dim3(1), dim3(threads), threads * sizeof(float), nullptr, in, out);
}

void transpose(const float* in, float* out, int rows, int columns) {
  const dim3 grid(static_cast<unsigned>(columns + 31) / 32, static_cast<unsigned>(rows + 31) / 32);
  launch(&transpose_kernel, grid, dim3(32, 8), 0, nullptr, in, out, rows, columns);
}

void add_one(const float* in, float* out, int n, int blocks) {
  launch(&add_one_kernel, dim3(static_cast<unsigned>(blocks)), dim3(32), 0, nullptr, in, out, n);
}

void votes(const int* in, int* out) { launch(&votes_kernel, dim3(1), dim3(32), 0, nullptr, in, out); }

void warp_scratch(const int* in, int* out, unsigned* count) {
  launch(&warp_scratch_kernel, dim3(1), dim3(64), 0, nullptr, in, out, count);
}

void indices(unsigned* out, unsigned* last) {
  launch(&indices_kernel, dim3(3, 2, 2), dim3(4, 4, 2), 0, nullptr, out, last);
}

}  // namespace strata::test::samples
