// SwiGLU, rotary positions.
#include <numeric>

#include "kernels/rotary.inl"
#include "kernels/swiglu.inl"
#include "launch.cuh"

namespace strata::kernels::cuda {
namespace {

template <int kCount, class T>
static __global__ void swiglu_kernel(const T* gate_up, T* out, int64_t width) {
  const T* gate = gate_up + blockIdx.x * 2 * width;
  swiglu_row(BlockExecutor<kCount>{}, gate, gate + width, out + blockIdx.x * width, width);
}

template <int kCount, class T>
static __global__ void swiglu_backward_kernel(T* gate_up, T* grad_out, int64_t width) {
  T* gate = gate_up + blockIdx.x * 2 * width;
  swiglu_backward_row(BlockExecutor<kCount>{}, gate, gate + width, grad_out + blockIdx.x * width, width);
}

// A block is a token; along y of it are heads.
template <int kCount, class T>
static __global__ void rotate_kernel(T* rows, int64_t stride, int heads, int half, const int32_t* positions,
                                     const float* cosine, const float* sine, float sign) {
  const int64_t angle = static_cast<int64_t>(positions[blockIdx.x]) * half;
  for (int head = static_cast<int>(threadIdx.y); head < heads; head += static_cast<int>(blockDim.y)) {
    rotate_head(BlockExecutor<kCount>{}, rows + blockIdx.x * stride + head * 2 * half, cosine + angle, sine + angle,
                half, sign);
  }
}

}  // namespace

void CudaKernels::swiglu(Array out, Array gate_up, int64_t rows, int64_t width) const {
  const auto run = [&]<class T>(auto count, const T* gate_up, T* out) {
    launch(&swiglu_kernel<count, T>, grid_of(rows), block_of(width, count), 0, stream(), gate_up, out, width);
  };
  with_rows(width, run, gate_up, out);
}

void CudaKernels::swiglu_backward(Array gate_up, Array grad_out, int64_t rows, int64_t width) const {
  const auto run = [&]<class T>(auto count, T* gate_up, T* grad_out) {
    launch(&swiglu_backward_kernel<count, T>, grid_of(rows), block_of(width, count), 0, stream(), gate_up, grad_out,
           width);
  };
  with_rows(width, run, gate_up, grad_out);
}

void CudaKernels::rotate(Array rows, int64_t tokens, int64_t stride, int64_t heads, int64_t half,
                         const int32_t* positions, const float* cosine, const float* sine, float sign) const {
  const auto run = [&]<class T>(auto count, T* rows) {
    constexpr int64_t kThreads = 128;
    const int64_t across = half / count < kWarp ? half / count : kWarp;
    int64_t down = kThreads / across < heads ? kThreads / across : heads;
    while (across * down % kWarp != 0) ++down;  // whole warps
    launch(&rotate_kernel<count, T>, grid_of(tokens), dim3(static_cast<unsigned>(across), static_cast<unsigned>(down)),
           0, stream(), rows, stride, static_cast<int>(heads), static_cast<int>(half), positions, cosine, sine, sign);
  };
  const int64_t common = std::gcd(half, stride);  // both are distances between what threads move
  with_rows(common, run, rows);
}

}  // namespace strata::kernels::cuda
