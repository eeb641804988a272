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
    T* const at = rows + blockIdx.x * stride + head * 2 * half;
    rotate_head(BlockExecutor<kCount>{}, at, at, cosine + angle, sine + angle, half, sign);
  }
}

template <int kCount, class T>
static __global__ void store_rotated_back_kernel(QkvGradients<T> gradients) {
  const int64_t heads = gradients.heads + 2 * gradients.kv_heads;
  for (int64_t head = threadIdx.y; head < heads; head += blockDim.y) {
    store_head_rotated_back(BlockExecutor<kCount>{}, gradients, blockIdx.x, head);
  }
}

// A token's heads along y, as many of `half` elements as make a block of whole warps.
dim3 block_of_heads(int64_t half, int count, int64_t heads) {
  constexpr int64_t kThreads = 128;
  const int64_t across = half / count < kWarp ? half / count : kWarp;
  int64_t down = kThreads / across < heads ? kThreads / across : heads;
  while (across * down % kWarp != 0) ++down;
  return dim3(static_cast<unsigned>(across), static_cast<unsigned>(down));
}

template <class T>
void store(const QkvGradients<T>& gradients, int64_t tokens, Stream stream) {
  const int64_t heads = gradients.heads + 2 * gradients.kv_heads;
  with_vectors<T>(
      std::gcd(gradients.half, gradients.stride),
      [&](auto count) {
        launch(&store_rotated_back_kernel<count, T>, grid_of(tokens), block_of_heads(gradients.half, count, heads), 0,
               stream, gradients);
      },
      gradients.rows, gradients.query, gradients.key, gradients.value);
}

}  // namespace

void CudaKernels::store_rotated_back(const QkvGradients<float>& gradients, int64_t tokens) const {
  store(gradients, tokens, stream());
}

void CudaKernels::store_rotated_back(const QkvGradients<Bf16>& gradients, int64_t tokens) const {
  store(gradients, tokens, stream());
}

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
    launch(&rotate_kernel<count, T>, grid_of(tokens), block_of_heads(half, count, heads), 0, stream(), rows, stride,
           static_cast<int>(heads), static_cast<int>(half), positions, cosine, sine, sign);
  };
  const int64_t common = std::gcd(half, stride);  // both are distances between what threads move
  with_rows(common, run, rows);
}

}  // namespace strata::kernels::cuda
