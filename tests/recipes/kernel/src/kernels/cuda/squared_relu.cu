// The squared ReLU: a block is a row.
#include "kernels/squared_relu.inl"
#include "launch.cuh"

namespace strata::kernels::cuda {
namespace {

template <int kCount, class T>
static __global__ void squared_relu_kernel(T* out, const T* x, int64_t width) {
  squared_relu_row(BlockExecutor<kCount>{}, out + blockIdx.x * width, x + blockIdx.x * width, width);
}

template <int kCount, class T>
static __global__ void squared_relu_backward_kernel(T* grad, const T* x, int64_t width) {
  squared_relu_backward_row(BlockExecutor<kCount>{}, grad + blockIdx.x * width, x + blockIdx.x * width, width);
}

}  // namespace

void CudaKernels::squared_relu(Array out, Array x, int64_t rows, int64_t width) const {
  const auto run = [&]<class T>(auto count, T* out, const T* x) {
    launch(&squared_relu_kernel<count, T>, grid_of(rows), block_of(width, count), 0, stream(), out, x, width);
  };
  with_rows(width, run, out, x);
}

void CudaKernels::squared_relu_backward(Array grad, Array x, int64_t rows, int64_t width) const {
  const auto run = [&]<class T>(auto count, T* grad, const T* x) {
    launch(&squared_relu_backward_kernel<count, T>, grid_of(rows), block_of(width, count), 0, stream(), grad, x, width);
  };
  with_rows(width, run, grad, x);
}

}  // namespace strata::kernels::cuda
