// Libraries with BLAS's interface, opened at run time: whichever the machine has, without a link-time choice.
// RTLD_LOCAL keeps their symbols apart from those that libtorch brings.
//
// They are called for parts of a product, on one thread each: OpenMP has no more than one there (base/threads.h).
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <dlfcn.h>

#include <algorithm>
#include <vector>

#include "gemm_libraries.h"
#include "gemm_parts.h"
#include "lanes.inl"
#include "strata/base/check.h"
#include "tensor_access.h"

namespace strata::kernels {
namespace {

// A matrix as BLAS sees it, whose matrices are column-major: the transpose of a row-major one.
template <class T>
struct Operand {
  Operand(bool is_transposed, int64_t lines_apart, T* first)
      : transposed(is_transposed), leading(lines_apart), data(first) {}
  explicit Operand(const at::Tensor& matrix)
      : transposed(matrix.stride(1) != 1),
        // A single row's stride means nothing, but BLAS wants room for the columns between rows all the same.
        leading(std::max(matrix.stride(transposed ? 1 : 0), matrix.size(transposed ? 0 : 1))),
        data(pointer<T>(matrix)) {
    STRATA_ASSERT(matrix.stride(0) == 1 || matrix.stride(1) == 1);
  }
  const char* flag() const { return transposed ? "T" : "N"; }
  T* at(int64_t row, int64_t column) const {
    return data + (transposed ? row + column * leading : row * leading + column);
  }

  bool transposed;
  int64_t leading;
  T* data;
};

// out = a b, or +=, of rows of a and columns of b from where a part begins.
template <class T>
void multiply_part(BlasProduct<T> product, const Operand<T>& a, const Operand<T>& b, int64_t depth,
                   const GemmPart& part, float* out, int64_t out_leading, bool add) {
  const int m = static_cast<int>(part.rows), n = static_cast<int>(part.columns), k = static_cast<int>(depth);
  const int a_leading = static_cast<int>(a.leading), b_leading = static_cast<int>(b.leading);
  const int leading = static_cast<int>(out_leading);
  const float one = 1.0F;
  const float beta = add ? 1.0F : 0.0F;
  product(b.flag(), a.flag(), &n, &m, &k, &one, b.at(0, part.column), &b_leading, a.at(part.row, 0), &a_leading, &beta,
          out, &leading);
}

// A block of bf16 as fp32 in `out`, in the order that it has.
Operand<float> widened(const Operand<Bf16>& from, int64_t row, int64_t rows, int64_t column, int64_t columns,
                       std::vector<float>& out) {
  out.resize(std::max(out.size(), static_cast<size_t>(rows * columns)));
  const int64_t lines = from.transposed ? columns : rows;
  const int64_t length = from.transposed ? rows : columns;
  const Bf16* line = from.at(row, column);
  for (int64_t i = 0; i < lines; ++i, line += from.leading) {
    for (int64_t j = 0; j < length; ++j) out[i * length + j] = widen(line[j]);
  }
  return {from.transposed, length, out.data()};
}

class BlasGemm final : public Gemm {
 public:
  BlasGemm(std::string name, const BlasProducts& products) : name_(std::move(name)), products_(products) {}

  std::string name() const override { return name_; }

  void multiply(const at::Tensor& out_MN, const at::Tensor& a_MK, const at::Tensor& b_KN, bool add) const override {
    if (a_MK.scalar_type() == at::kFloat) return directly(products_.fp32, out_MN, a_MK, b_KN, add);
    if (products_.bf16 != nullptr && out_MN.scalar_type() == at::kFloat) {
      return directly(products_.bf16, out_MN, a_MK, b_KN, add);
    }
    with_storage_type(out_MN, [&](auto type) { by_blocks<decltype(type)>(out_MN, a_MK, b_KN, add); });
  }

 private:
  template <class T>
  static void directly(BlasProduct<T> product, const at::Tensor& out_MN, const at::Tensor& a_MK, const at::Tensor& b_KN,
                       bool add) {
    const Operand<T> a(a_MK), b(b_KN);
    const int64_t leading = out_MN.stride(0);
    auto* const out = pointer<float>(out_MN);
    for_gemm_parts(out_MN.size(0), out_MN.size(1), a_MK.size(1), [&](const GemmPart& part) {
      multiply_part(product, a, b, a_MK.size(1), part, out + part.row * leading + part.column, leading, add);
    });
  }

  // Of bf16, by way of sums in fp32 that stay in a cache.
  template <class Out>
  void by_blocks(const at::Tensor& out_MN, const at::Tensor& a_MK, const at::Tensor& b_KN, bool add) const {
    constexpr int64_t kRows = 512, kColumns = 256;
    const Operand<Bf16> a(a_MK), b(b_KN);
    const int64_t depth = a_MK.size(1);
    const int64_t leading = out_MN.stride(0);
    auto* const out = pointer<Out>(out_MN);
    for_gemm_parts(out_MN.size(0), out_MN.size(1), depth, [&](const GemmPart& part) {
      thread_local std::vector<float> sums(kRows * kColumns);
      for (int64_t column = 0; column < part.columns; column += kColumns) {
        for (int64_t row = 0; row < part.rows; row += kRows) {
          const GemmPart block{part.row + row, std::min(kRows, part.rows - row), part.column + column,
                               std::min(kColumns, part.columns - column)};
          sum_block(a, b, depth, block, sums.data());
          for (int64_t i = 0; i < block.rows; ++i) {
            store_sums(sums.data() + i * block.columns, out + (block.row + i) * leading + block.column, block.columns,
                       add);
          }
        }
      }
    });
  }

  void sum_block(const Operand<Bf16>& a, const Operand<Bf16>& b, int64_t depth, const GemmPart& block,
                 float* sums) const {
    constexpr int64_t kDepth = 1024;  // of what is widened at a time
    if (products_.bf16 != nullptr) {
      return multiply_part(products_.bf16, a, b, depth, block, sums, block.columns, false);
    }
    thread_local std::vector<float> wide_a, wide_b;
    const GemmPart all{0, block.rows, 0, block.columns};
    for (int64_t k = 0; k < depth; k += kDepth) {
      const int64_t few = std::min(kDepth, depth - k);
      multiply_part(products_.fp32, widened(a, block.row, block.rows, k, few, wide_a),
                    widened(b, k, few, block.column, block.columns, wide_b), few, all, sums, block.columns, k > 0);
    }
  }

  std::string name_;
  BlasProducts products_;
};

// Whether the processor multiplies bf16 faster than fp32: AMX does, AVX512-BF16 takes twice the time of fp32 on
// Sapphire Rapids (gemm_bf16bf16f32 of MKL 2024 and oneDNN: 75 of 150 GFLOP/s on one core).
bool multiplies_bf16_fast() {
#if defined(__x86_64__)
  unsigned int a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned int kAmxBf16 = 1U << 22U;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & kAmxBf16) != 0;
#else
  return false;
#endif
}

}  // namespace

std::unique_ptr<Gemm> load_blas_gemm(const BlasLibrary& library) {
  void* handle = dlopen(library.file, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return nullptr;
  const auto fp32 = reinterpret_cast<BlasProduct<float>>(dlsym(handle, "sgemm_"));
  if (fp32 == nullptr) return nullptr;
  // BLIS has its own number of threads, which an environment variable may have set.
  if (const auto set_threads = reinterpret_cast<void (*)(int64_t)>(dlsym(handle, "bli_thread_set_num_threads"))) {
    set_threads(1);
  }
  return make_blas_gemm(library.name, {.fp32 = fp32});
}

BlasProducts products_of_libtorch() {
  void* handle = dlopen("libtorch_cpu.so", RTLD_NOW | RTLD_NOLOAD);
  if (handle == nullptr) return {};
  return {.fp32 = reinterpret_cast<BlasProduct<float>>(dlsym(handle, "sgemm_")),
          .bf16 = reinterpret_cast<BlasProduct<Bf16>>(dlsym(handle, "gemm_bf16bf16f32_"))};
}

std::unique_ptr<Gemm> make_blas_gemm(const std::string& name, const BlasProducts& products) {
  return std::make_unique<BlasGemm>(name, products);
}

std::unique_ptr<Gemm> make_mkl_gemm(const std::string& name) {
  BlasProducts products = products_of_libtorch();
  if (products.fp32 == nullptr) return nullptr;
  if (!multiplies_bf16_fast()) products.bf16 = nullptr;
  return make_blas_gemm(name, products);
}

}  // namespace strata::kernels
