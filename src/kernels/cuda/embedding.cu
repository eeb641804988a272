// Rows of a table: gathered, scattered, and the embedding's backward.
#include "kernels/embedding.inl"
#include "launch.cuh"

namespace strata::kernels::cuda {
namespace {

template <int kCount, class T>
static __global__ void gather_kernel(const T* table, const int64_t* rows, T* out, int64_t width) {
  const T* from = table + rows[blockIdx.x] * width;
  T* to = out + blockIdx.x * width;
  BlockExecutor<kCount>{}.each(width, [&](At<kCount> i) { write(to, i, read(from, i)); });
}

template <int kCount, class T>
static __global__ void scatter_kernel(const T* values, const int64_t* rows, T* out, int64_t width) {
  const T* from = values + blockIdx.x * width;
  T* to = out + rows[blockIdx.x] * width;
  BlockExecutor<kCount>{}.each(width, [&](At<kCount> i) { write(to, i, read(from, i)); });
}

// The block of an id's first position works on all of them; the others have nothing to do.
template <int kCount, class T, class G>
static __global__ void embedding_backward_kernel(const T* grad, const int64_t* ids, const int64_t* by_id,
                                                 int64_t tokens, int64_t width, G* table) {
  const int64_t begin = blockIdx.x;
  const int64_t id = ids[by_id[begin]];
  if (begin > 0 && ids[by_id[begin - 1]] == id) return;
  int64_t end = begin + 1;
  while (end < tokens && ids[by_id[end]] == id) ++end;
  add_positions(BlockExecutor<kCount>{}, grad, by_id + begin, end - begin, width, table + id * width);
}

}  // namespace

void CudaKernels::gather_rows(Array out, Array table, const int64_t* rows, int64_t count, int64_t width) const {
  if (count == 0) return;
  const auto run = [&]<class T>(auto at_once, const T* table, T* out) {
    launch(&gather_kernel<at_once, T>, grid_of(count), block_of(width, at_once), 0, stream(), table, rows, out, width);
  };
  with_rows(width, run, table, out);
}

void CudaKernels::scatter_rows(Array out, Array values, const int64_t* rows, int64_t count, int64_t width) const {
  if (count == 0) return;
  const auto run = [&]<class T>(auto at_once, const T* values, T* out) {
    launch(&scatter_kernel<at_once, T>, grid_of(count), block_of(width, at_once), 0, stream(), values, rows, out,
           width);
  };
  with_rows(width, run, values, out);
}

void CudaKernels::embedding_backward(Array grad_table, Array grad, const int64_t* ids, const int64_t* by_id,
                                     int64_t tokens, int64_t width) const {
  const auto run = [&]<class T>(auto count, const T* grad) {
    with_storage(
        [&]<class G>(G* table) {
          launch(&embedding_backward_kernel<count, T, G>, grid_of(tokens), block_of(width, count), 0, stream(), grad,
                 ids, by_id, tokens, width, table);
        },
        grad_table);
  };
  with_rows(width, run, grad);
}

}  // namespace strata::kernels::cuda
