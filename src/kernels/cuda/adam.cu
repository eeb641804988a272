// Adam: one pass over what it updates.
#include "kernels/adam.inl"
#include "launch.cuh"

namespace strata::kernels::cuda {
namespace {

constexpr int64_t kThreads = 256;
constexpr int64_t kPerBlock = 8192;  // elements

template <int kCount, bool kStochastic, class T>
static __global__ void adam_kernel(AdamNumbers numbers, AdamPointers<T> arrays, const double* factor,
                                   const double* apply) {
  if (*apply == 0.0) return;
  numbers.gradient_scale = static_cast<float>(*factor);
  const int64_t begin = blockIdx.x * kPerBlock;
  const int64_t left = arrays.count - begin;
  const AdamPointers<T> mine = part_of(arrays, begin, left < kPerBlock ? left : kPerBlock);
  adam_range<kStochastic>(BlockExecutor<kCount>{}, numbers, mine);
}

template <int kCount, class T>
void launch_adam(const AdamNumbers& numbers, const AdamPointers<T>& arrays, bool stochastic, const double* factor,
                 const double* apply, Stream stream) {
  if (arrays.count == 0) return;
  with_flag(stochastic, [&](auto by_chance) {
    launch(&adam_kernel<kCount, by_chance, T>, dim3(blocks_for(arrays.count, kPerBlock)), dim3(kThreads), 0, stream,
           numbers, arrays, factor, apply);
  });
}

// What vectors can move, and then the rest.
template <class T>
void update(const AdamNumbers& numbers, const AdamPointers<T>& arrays, bool stochastic, const double* factor,
            const double* apply, Stream stream) {
  const bool aligned = is_aligned(arrays.value) && is_aligned(arrays.gradient) && is_aligned(arrays.m) &&
                       is_aligned(arrays.v) && is_aligned(arrays.copy);
  const int64_t whole = aligned ? arrays.count / kVector<T> * kVector<T> : 0;
  launch_adam<kVector<T>>(numbers, part_of(arrays, 0, whole), stochastic, factor, apply, stream);
  launch_adam<1>(numbers, part_of(arrays, whole, arrays.count - whole), stochastic, factor, apply, stream);
}

}  // namespace

void CudaKernels::adam(const AdamPointers<float>& arrays, const AdamNumbers& numbers, bool stochastic,
                       const double* factor, const double* apply) const {
  update(numbers, arrays, stochastic, factor, apply, stream());
}

void CudaKernels::adam(const AdamPointers<Bf16>& arrays, const AdamNumbers& numbers, bool stochastic,
                       const double* factor, const double* apply) const {
  update(numbers, arrays, stochastic, factor, apply, stream());
}

}  // namespace strata::kernels::cuda
