// Strata's own GEMM: fixed tiles, so that an element's bits depend on its row of a and its column of b alone, not on
// the number of threads nor on how many other rows there are.
#include <algorithm>

#include "cpu_executor.h"
#include "gemm_libraries.h"
#include "small_gemm.h"
#include "tensor_access.h"

namespace strata::kernels {
namespace {

constexpr int64_t kRows = 96;
constexpr int64_t kWidth = 256;
constexpr int64_t kDepth = 256;

// A block of a matrix as fp32, zero outside the matrix: out[i * kWidth + j].
template <class T>
void pack(const at::Tensor& matrix, int64_t first_row, int64_t rows, int64_t first_column, float* out, int64_t width) {
  const T* data = pointer<T>(matrix);
  const int64_t row_stride = matrix.stride(0);
  const int64_t column_stride = matrix.stride(1);
  const int64_t columns = std::min(width, matrix.size(1) - first_column);
  for (int64_t i = 0; i < rows; ++i) {
    const T* from = data + (first_row + i) * row_stride + first_column * column_stride;
    for (int64_t j = 0; j < columns; ++j) out[i * width + j] = widen(from[j * column_stride]);
    for (int64_t j = columns; j < width; ++j) out[i * width + j] = 0.0F;
  }
}

template <class T, class Out>
void multiply_tile(const at::Tensor& a_MK, const at::Tensor& b_KN, const at::Tensor& out_MN, bool add, int64_t row,
                   int64_t column) {
  thread_local std::vector<float> a_block(kRows * kDepth), b_block(kDepth * kWidth), sums(kRows * kWidth);
  const int64_t rows = std::min(kRows, out_MN.size(0) - row);
  const int64_t columns = std::min(kWidth, out_MN.size(1) - column);
  std::ranges::fill(sums, 0.0F);
  for (int64_t k = 0; k < a_MK.size(1); k += kDepth) {
    const int64_t depth = std::min(kDepth, a_MK.size(1) - k);
    pack<T>(a_MK, row, rows, k, a_block.data(), kDepth);
    pack<T>(b_KN, k, depth, column, b_block.data(), kWidth);
    small_gemm<true>(rows, kWidth, depth, {a_block.data(), kDepth, 1}, b_block.data(), kWidth, sums.data(), kWidth);
  }
  for (int64_t i = 0; i < rows; ++i) {
    Out* out = pointer<Out>(out_MN) + (row + i) * out_MN.stride(0) + column;
    for (int64_t j = 0; j < columns; ++j) {
      out[j] = narrow<Out>((add ? widen(out[j]) : 0.0F) + sums[i * kWidth + j]);
    }
  }
}

class TilesGemm final : public Gemm {
 public:
  std::string name() const override { return "tiles"; }

  void multiply(const at::Tensor& a_MK, const at::Tensor& b_KN, const at::Tensor& out_MN, bool add) const override {
    const int64_t across = (out_MN.size(1) + kWidth - 1) / kWidth;
    const int64_t down = (out_MN.size(0) + kRows - 1) / kRows;
    with_storage_type(a_MK, [&](auto type) {
      with_storage_type(out_MN, [&](auto out_type) {
        parallel_tasks(down * across, [&](int64_t task) {
          multiply_tile<decltype(type), decltype(out_type)>(a_MK, b_KN, out_MN, add, task / across * kRows,
                                                            task % across * kWidth);
        });
      });
    });
  }
};

}  // namespace

std::unique_ptr<Gemm> make_tiles_gemm() { return std::make_unique<TilesGemm>(); }

}  // namespace strata::kernels
