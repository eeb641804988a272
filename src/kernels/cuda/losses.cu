// Cross-entropy: a block for the logits of each position.
#include <numeric>

#include "kernels/cross_entropy.inl"
#include "launch.cuh"

namespace strata::kernels::cuda {
namespace {

// Rows are tens of thousands of logits long.
constexpr int64_t kThreads = 1024;

template <int kCount, bool kGradient, class T>
static __global__ void __launch_bounds__(kThreads)
    cross_entropy_kernel(T* logits, int64_t apart, int64_t classes, const int64_t* targets, const double* scale,
                         float* loss) {
  const float factor = kGradient ? static_cast<float>(*scale) : 0.0F;
  cross_entropy_row<kGradient>(BlockExecutor<kCount>{}, logits + blockIdx.x * apart, classes, targets[blockIdx.x],
                               factor, loss + blockIdx.x);
}

}  // namespace

void CudaKernels::cross_entropy(float* loss, Array logits, int64_t apart, int64_t rows, int64_t classes,
                                const int64_t* targets, const double* scale) const {
  if (rows == 0) return;
  const auto run = [&]<class T>(auto count, T* logits) {
    const dim3 block(threads_for(classes / count, kThreads));
    with_flag(scale != nullptr, [&](auto gradient) {
      launch(&cross_entropy_kernel<count, gradient, T>, grid_of(rows), block, 0, stream(), logits, apart, classes,
             targets, scale, loss);
    });
  };
  with_rows(std::gcd(classes, apart), run, logits);
}

}  // namespace strata::kernels::cuda
