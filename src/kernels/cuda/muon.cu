// What Muon does to a matrix beside products: passes over flat arrays, and a block for each row of a polynomial.
#include "kernels/muon.inl"

#include "arena_update.cuh"

namespace strata::kernels::cuda {
namespace {

template <int kCount, bool kStochastic, class Out, class T>
static __global__ void momentum_kernel(MomentumNumbers numbers, MomentumArrays<Out, T> arrays, const double* factor,
                                       const double* apply) {
  if (*apply == 0.0) return;
  numbers.gradient_scale = static_cast<float>(*factor);
  momentum_range<kStochastic>(BlockExecutor<kCount>{}, numbers, part_of_block(arrays));
}

template <int kCount, bool kStochastic, class T, class In>
static __global__ void step_kernel(StepNumbers numbers, StepArrays<T, In> arrays, const double* apply) {
  if (*apply == 0.0) return;
  step_range<kStochastic>(BlockExecutor<kCount>{}, numbers, part_of_block(arrays));
}

template <class T>
struct FlatArray {
  int64_t count;
  T* x;
};

template <class T>
STRATA_HOST_KFN FlatArray<T> part_of(const FlatArray<T>& all, int64_t begin, int64_t count) {
  return {count, all.x + begin};
}

template <int kCount, class T>
static __global__ void divide_kernel(DivisorNumbers numbers, FlatArray<T> array, const double* square) {
  const FlatArray<T> mine = part_of_block(array);
  divide_range(BlockExecutor<kCount>{}, mine.x, divisor_of(numbers, *square), mine.count);
}

template <int kCount, class T>
static __global__ void polynomial_kernel(PolynomialNumbers numbers, T* squared, const T* gram, int64_t width) {
  const int64_t row = blockIdx.x;
  polynomial_row(BlockExecutor<kCount>{}, numbers, squared + row * width, gram + row * width, row, width);
}

// As many elements as are 16 bytes of the wider type.
template <class A, class B>
inline constexpr int kCommonVector = kVector<A> < kVector<B> ? kVector<A> : kVector<B>;

}  // namespace

void CudaKernels::muon_momentum(Array out, Array gradient, Array m, int64_t first, int64_t count,
                                const MomentumNumbers& numbers, bool stochastic, const double* factor,
                                const double* apply) const {
  with_storage(
      [&]<class Out>(Out* to) {
        with_storage(
            [&]<class T>(T* mean, T* from) {
              const MomentumArrays<Out, T> all{first, count, to, from, mean};
              const bool aligned = is_aligned(to) && is_aligned(from) && is_aligned(mean);
              launch_by_vectors<kCommonVector<Out, T>>(all, aligned,
                                                       [&](auto vector, const auto& part, dim3 grid, dim3 block) {
                                                         with_flag(stochastic, [&](auto by_chance) {
                                                           launch(&momentum_kernel<vector, by_chance, Out, T>, grid,
                                                                  block, 0, stream(), numbers, part, factor, apply);
                                                         });
                                                       });
            },
            m, gradient);
      },
      out);
}

void CudaKernels::muon_step(Array value, Array copy, Array orthogonal, int64_t first, int64_t count,
                            const StepNumbers& numbers, bool stochastic, const double* apply) const {
  with_storage(
      [&]<class T>(T* to) {
        with_storage(
            [&]<class In>(In* from) {
              const StepArrays<T, In> all{first, count, to, static_cast<Bf16*>(copy.data), from};
              const bool aligned = is_aligned(to) && is_aligned(from) && is_aligned(all.copy);
              launch_by_vectors<kCommonVector<T, In>>(
                  all, aligned, [&](auto vector, const auto& part, dim3 grid, dim3 block) {
                    with_flag(stochastic, [&](auto by_chance) {
                      launch(&step_kernel<vector, by_chance, T, In>, grid, block, 0, stream(), numbers, part, apply);
                    });
                  });
            },
            orthogonal);
      },
      value);
}

void CudaKernels::divide_by_norm(Array x, const double* square, const DivisorNumbers& numbers, int64_t count) const {
  with_storage(
      [&]<class T>(T* data) {
        launch_by_vectors<kVector<T>>(
            FlatArray<T>{count, data}, is_aligned(data), [&](auto vector, const auto& part, dim3 grid, dim3 block) {
              launch(&divide_kernel<vector, T>, grid, block, 0, stream(), numbers, part, square);
            });
      },
      x);
}

void CudaKernels::matrix_polynomial(Array squared, Array gram, const PolynomialNumbers& numbers, int64_t width) const {
  const auto run = [&]<class T>(auto count, T* to, const T* from) {
    launch(&polynomial_kernel<count, T>, grid_of(width), block_of(width, count), 0, stream(), numbers, to, from, width);
  };
  with_rows(width, run, squared, gram);
}

}  // namespace strata::kernels::cuda
