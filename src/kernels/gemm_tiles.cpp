// Strata's own GEMM: every element is one chain of fused multiply-adds over k, in order, so that its bits depend on its
// row of a and its column of b alone, not on the number of threads nor on how many other rows there are.
//
// The inner loop takes single values of a and whole vectors of b. b is copied into panels as wide as a tile, each read
// from one end to the other; a is read where it lies if its rows are fp32.
#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include "cpu_executor.h"
#include "gemm_libraries.h"
#include "gemm_parts.h"
#include "small_gemm.h"
#include "tensor_access.h"

namespace strata::kernels {
namespace {

// A task's part of the product, and how much of k it takes at a time.
constexpr int64_t kRows = 768;
constexpr int64_t kWidth = 256;
constexpr int64_t kDepth = 256;
constexpr int64_t kGroup = 48;  // rows that a panel meets while it is in the first cache
constexpr int64_t kPanel = kTileVectors * kVectorFloats;

int64_t padded(int64_t columns) { return quotient_up(columns, kColumns) * kColumns; }

using Vector = float __attribute__((vector_size(kVectorFloats * sizeof(float))));

template <class T>
Vector load(const T* from) {
  float values[kVectorFloats];
  for (int i = 0; i < kVectorFloats; ++i) values[i] = widen(from[i]);
  Vector vector;
  std::memcpy(&vector, values, sizeof(vector));
  return vector;
}

// a[first], b[first], a[first + 1], b[first + 1], ...
template <int first, size_t... i>
Vector zip(Vector a, Vector b, std::index_sequence<i...>) {
  return __builtin_shufflevector(a, b, (first + i / 2 + i % 2 * kVectorFloats)...);
}

// out[j * out_row + i] = from[i * from_row + j] for a square of vectors. Zipping the rows of one half with those of the
// other moves every element's number (row, column), as bits, one bit to the left around a ring.
template <class T>
void transpose(const T* from, int64_t from_row, float* out, int64_t out_row) {
  constexpr int kHalf = kVectorFloats / 2;
  constexpr auto kAll = std::make_index_sequence<kVectorFloats>();
  Vector rows[kVectorFloats], zipped[kVectorFloats];
#pragma GCC unroll 16
  for (int i = 0; i < kVectorFloats; ++i) rows[i] = load(from + i * from_row);
#pragma GCC unroll 16
  for (int step = 1; step < kVectorFloats; step *= 2) {
#pragma GCC unroll 16
    for (int i = 0; i < kHalf; ++i) {
      zipped[2 * i] = zip<0>(rows[i], rows[i + kHalf], kAll);
      zipped[2 * i + 1] = zip<kHalf>(rows[i], rows[i + kHalf], kAll);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kVectorFloats; ++i) rows[i] = zipped[i];
  }
#pragma GCC unroll 16
  for (int j = 0; j < kVectorFloats; ++j) std::memcpy(out + j * out_row, &rows[j], sizeof(Vector));
}

// A matrix of T from (row, column) on. A single column may have any stride in the tensor; here it has 1.
template <class T>
struct View {
  T* data;
  int64_t row_stride, column_stride;

  View(T* first, int64_t rows_apart, int64_t columns_apart)
      : data(first), row_stride(rows_apart), column_stride(columns_apart) {}
  View(const at::Tensor& matrix, int64_t row, int64_t column)
      : data(pointer<T>(matrix) + row * matrix.stride(0) + column * matrix.stride(1)),
        row_stride(matrix.stride(0)),
        column_stride(matrix.size(1) == 1 ? 1 : matrix.stride(1)) {}
  View from(int64_t i, int64_t j) const { return {&at(i, j), row_stride, column_stride}; }
  T& at(int64_t i, int64_t j) const { return data[i * row_stride + j * column_stride]; }
};

// Rows of a as fp32, in the order they have: in `out`, or where they are.
template <class T>
Strided as_fp32(const View<const T>& a, int64_t rows, int64_t depth, float* out) {
  if (a.column_stride == 1) {
    if constexpr (std::is_same_v<T, float>) return {a.data, a.row_stride, 1};
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t p = 0; p < depth; ++p) out[i * kDepth + p] = widen(a.data[i * a.row_stride + p]);
    }
    return {out, kDepth, 1};
  }
  for (int64_t p = 0; p < depth; ++p) {
    for (int64_t i = 0; i < rows; ++i) out[p * kGroup + i] = widen(a.at(i, p));
  }
  return {out, 1, kGroup};
}

// A panel of a b that lies along k, as fp32: out[p * width + j].
template <class T>
void pack_across(const View<const T>& b, int64_t depth, int64_t columns, float* out, int64_t width) {
  const int64_t whole_columns = b.row_stride == 1 ? columns / kVectorFloats * kVectorFloats : 0;
  const int64_t whole_depth = depth / kVectorFloats * kVectorFloats;
  if (columns < width) std::fill_n(out, depth * width, 0.0F);
  for (int64_t j = 0; j < whole_columns; j += kVectorFloats) {
    for (int64_t p = 0; p < whole_depth; p += kVectorFloats) {
      transpose(&b.at(p, j), b.column_stride, out + p * width + j, width);
    }
  }
  for (int64_t j = 0; j < columns; ++j) {
    for (int64_t p = j < whole_columns ? whole_depth : 0; p < depth; ++p) out[p * width + j] = widen(b.at(p, j));
  }
}

// Part of a row of b as fp32, zero from n to `width`.
template <class T>
void pack_along(const T* from, int64_t n, float* out, int64_t width) {
  for (int64_t j = 0; j < n; ++j) out[j] = widen(from[j]);
  for (int64_t j = n; j < width; ++j) out[j] = 0.0F;
}

// Where the columns from j on lie in a block of packed panels.
struct Panel {
  Panel(float* block, int64_t j, int64_t all_columns, int64_t depth)
      : data(block + j * depth), columns(std::min(kPanel, all_columns - j)), width(padded(columns)) {}
  float* data;
  int64_t columns, width;
};

template <class T>
void pack(const View<const T>& b, int64_t depth, int64_t columns, float* block) {
  if (b.column_stride != 1) {
    for (int64_t j = 0; j < columns; j += kPanel) {
      const Panel panel(block, j, columns, depth);
      pack_across<T>(b.from(0, j), depth, panel.columns, panel.data, panel.width);
    }
    return;
  }
  for (int64_t p = 0; p < depth; ++p) {
    for (int64_t j = 0; j < columns; j += kPanel) {
      const Panel panel(block, j, columns, depth);
      pack_along(&b.at(p, j), panel.columns, panel.data + p * panel.width, panel.width);
    }
  }
}

// out = sums, or +=. One of out's strides is 1. Whole blocks of `sums` are read.
template <class Out>
void store(const float* sums, int64_t sums_row, const View<Out>& out, int64_t rows, int64_t columns, bool add) {
  if (out.column_stride == 1) {
    for (int64_t i = 0; i < rows; ++i) store_sums(sums + i * sums_row, &out.at(i, 0), columns, add);
    return;
  }
  float block[kVectorFloats * kVectorFloats];
  for (int64_t j = 0; j < columns; j += kVectorFloats) {
    const int64_t width = std::min<int64_t>(kVectorFloats, columns - j);
    for (int64_t i = 0; i < rows; i += kVectorFloats) {
      const int64_t height = std::min<int64_t>(kVectorFloats, rows - i);
      transpose(sums + i * sums_row + j, sums_row, block, kVectorFloats);
      for (int64_t c = 0; c < width; ++c) store_sums(block + c * kVectorFloats, &out.at(i, j + c), height, add);
    }
  }
}

template <class T, class Out>
void multiply_part(const at::Tensor& a_MK, const at::Tensor& b_KN, const at::Tensor& out_MN, bool add,
                   const GemmPart& part) {
  thread_local std::vector<float> a_block(kGroup * kDepth), b_block(kDepth * kWidth), sums(kRows * kWidth);
  const int64_t sums_row = padded(part.columns);
  std::fill_n(sums.begin(), part.rows * sums_row, 0.0F);
  for (int64_t k = 0; k < a_MK.size(1); k += kDepth) {
    const int64_t depth = std::min(kDepth, a_MK.size(1) - k);
    pack<T>(View<const T>(b_KN, k, part.column), depth, part.columns, b_block.data());
    for (int64_t i = 0; i < part.rows; i += kGroup) {
      const int64_t rows = std::min(kGroup, part.rows - i);
      const Strided a = as_fp32<T>(View<const T>(a_MK, part.row + i, k), rows, depth, a_block.data());
      for (int64_t j = 0; j < part.columns; j += kPanel) {
        const Panel panel(b_block.data(), j, part.columns, depth);
        small_gemm<true>(rows, panel.width, depth, a, panel.data, panel.width, sums.data() + i * sums_row + j,
                         sums_row);
      }
    }
  }
  store(sums.data(), sums_row, View<Out>(out_MN, part.row, part.column), part.rows, part.columns, add);
}

// In parts of equal height, as large as leave every thread two.
void multiply(const at::Tensor& out_MN, const at::Tensor& a_MK, const at::Tensor& b_KN, bool add) {
  if (out_MN.numel() == 0) return;
  const int64_t rows = out_MN.size(0);
  const int64_t columns = out_MN.size(1);
  const int64_t across = quotient_up(columns, kWidth);
  const int64_t parts = num_threads() == 1 ? 1 : 2 * num_threads();
  const int64_t share = quotient_up(rows, std::max(quotient_up(rows, kRows), quotient_up(parts, across)));
  const int64_t height = quotient_up(share, kTileRows) * kTileRows;
  const int64_t down = quotient_up(rows, height);
  with_storage_type(a_MK, [&](auto type) {
    with_storage_type(out_MN, [&](auto out_type) {
      parallel_tasks(down * across, [&](int64_t task) {
        const int64_t row = task % down * height;
        const int64_t column = task / down * kWidth;
        multiply_part<decltype(type), decltype(out_type)>(
            a_MK, b_KN, out_MN, add, {row, std::min(height, rows - row), column, std::min(kWidth, columns - column)});
      });
    });
  });
}

class TilesGemm final : public Gemm {
 public:
  std::string name() const override { return "tiles"; }

  // A b that lies along k, as a weight does, is taken value by value: vectors of it would have to be gathered.
  void multiply(const at::Tensor& out_MN, const at::Tensor& a_MK, const at::Tensor& b_KN, bool add) const override {
    if (b_KN.stride(1) == 1) {
      kernels::multiply(out_MN, a_MK, b_KN, add);
    } else {
      kernels::multiply(out_MN.t(), b_KN.t(), a_MK.t(), add);
    }
  }
};

}  // namespace

std::unique_ptr<Gemm> make_tiles_gemm() { return std::make_unique<TilesGemm>(); }

}  // namespace strata::kernels
