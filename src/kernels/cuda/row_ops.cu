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

// A block is a token.
template <int kCount, class T>
static __global__ void rotate_kernel(T* rows, int64_t stride, int64_t heads, Angles angles, float sign) {
  T* const at = rows + blockIdx.x * stride;
  rotate_heads(BlockExecutor<kCount>{}, at, at, heads, angles, blockIdx.x, sign);
}

template <int kCount, class T>
static __global__ void store_rotated_back_kernel(QkvGradientRows<T> gradients) {
  for (int part = 0; part < kQkvParts; ++part) {
    store_heads_rotated_back(BlockExecutor<kCount>{}, gradients, part, blockIdx.x, 0, gradients.part[part].heads);
  }
}

template <class T>
void store(const QkvGradientRows<T>& gradients, int64_t tokens, Stream stream) {
  const auto& [query, key, value] = gradients.part;
  const int64_t half = gradients.angles.half;
  const int64_t strides = std::gcd(std::gcd(query.stride, key.stride), std::gcd(value.stride, gradients.stride));
  with_vectors<T>(
      std::gcd(half, strides),
      [&](auto count) {
        launch(&store_rotated_back_kernel<count, T>, grid_of(tokens), block_of(query.heads * half, count), 0, stream,
               gradients);
      },
      gradients.rows, query.from, key.from, value.from);
}

}  // namespace

void CudaKernels::store_rotated_back(const QkvGradientRows<float>& gradients, int64_t tokens) const {
  store(gradients, tokens, stream());
}

void CudaKernels::store_rotated_back(const QkvGradientRows<Bf16>& gradients, int64_t tokens) const {
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

void CudaKernels::rotate(Array rows, int64_t tokens, int64_t stride, int64_t heads, const Angles& angles,
                         float sign) const {
  const auto run = [&]<class T>(auto count, T* rows) {
    launch(&rotate_kernel<count, T>, grid_of(tokens), block_of(heads * angles.half, count), 0, stream(), rows, stride,
           heads, angles, sign);
  };
  const int64_t common = std::gcd(angles.half, stride);  // both are distances between what threads move
  with_rows(common, run, rows);
}

}  // namespace strata::kernels::cuda
