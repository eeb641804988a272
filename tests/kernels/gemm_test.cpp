// Every GEMM library of this machine behind the seam: layouts, adding, storage types; and the bits of `tiles`.
#include "strata/kernels/gemm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/matmul.h>

#include <cmath>

#include "kernels/gemm_libraries.h"
#include "ops.h"
#include "strata/base/check.h"

namespace strata::test {
namespace {

struct Product {
  int64_t m, n, k;
};

// Around the parts of 768 x 256 x 256 and the vectors of 16, and single rows and columns.
constexpr Product kProducts[] = {{1, 1, 1},      {5, 7, 3},      {1, 40, 33},   {40, 1, 17},
                                 {97, 257, 300}, {200, 16, 513}, {780, 35, 20}, {35, 780, 20}};

at::Tensor factor(int64_t rows, int64_t columns, bool transposed, at::ScalarType dtype, uint64_t seed) {
  return transposed ? uniform({columns, rows}, dtype, seed, -1.0, 1.0).t()
                    : uniform({rows, columns}, dtype, seed, -1.0, 1.0);
}

class GemmLibrary : public testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<kernels::Gemm> gemm_ = kernels::make_gemm(GetParam());
};

// A chain of k products of values up to 1, then the stored result; `add` takes one more rounding of what was there.
void expect_product(const kernels::Gemm& gemm, const Product& size, at::ScalarType dtype, at::ScalarType out_dtype,
                    bool a_transposed, bool b_transposed, bool add) {
  const at::Tensor a = factor(size.m, size.k, a_transposed, dtype, 1);
  const at::Tensor b = factor(size.k, size.n, b_transposed, dtype, 2);
  const at::Tensor out = uniform({size.m, size.n}, out_dtype, 3, -1.0, 1.0);
  const at::Tensor exact = at::matmul(wide(a), wide(b)) + (add ? wide(out) : wide(out).zero_());
  gemm.multiply(out, a, b, add);
  const auto k = static_cast<double>(size.k);
  EXPECT_LE(max_error(out, exact), (k + 1.0) * k * kUnitFp32 + 2.0 * unit_of(out_dtype) * (max_abs(exact) + 1.0))
      << size.m << "x" << size.n << "x" << size.k << " " << name_of(dtype) << " to " << name_of(out_dtype)
      << " transposed " << a_transposed << b_transposed << " add " << add;
}

TEST_P(GemmLibrary, MultipliesAllLayouts) {
  for (const Product& size : kProducts) {
    for (const int layout : {0, 1, 2, 3}) {
      for (const bool add : {false, true}) {
        expect_product(*gemm_, size, at::kFloat, at::kFloat, layout & 1, layout & 2, add);
        expect_product(*gemm_, size, at::kBFloat16, at::kBFloat16, layout & 1, layout & 2, add);
        expect_product(*gemm_, size, at::kBFloat16, at::kFloat, layout & 1, layout & 2, add);
      }
    }
  }
}

// A part of a wider matrix has rows that lie further apart than they are long.
TEST_P(GemmLibrary, TakesPartsOfWiderMatrices) {
  const at::Tensor a = uniform({20, 50}, at::kFloat, 1, -1.0, 1.0).narrow(1, 7, 30);
  const at::Tensor b = uniform({30, 60}, at::kFloat, 2, -1.0, 1.0).narrow(1, 5, 40);
  const at::Tensor whole = uniform({20, 64}, at::kFloat, 3, -1.0, 1.0);
  const at::Tensor before = whole.clone();
  gemm_->multiply(whole.narrow(1, 10, 40), a, b, false);
  EXPECT_LE(max_error(whole.narrow(1, 10, 40), at::matmul(wide(a), wide(b))), 31.0 * 30.0 * kUnitFp32);
  EXPECT_TRUE(at::equal(whole.narrow(1, 0, 10), before.narrow(1, 0, 10)));
  EXPECT_TRUE(at::equal(whole.narrow(1, 50, 14), before.narrow(1, 50, 14)));
}

// MKL's own products of bf16, which are only chosen where a processor makes them fast.
TEST(MklGemm, MultipliesBf16ByItsOwnProduct) {
  const kernels::BlasProducts products = kernels::products_of_libtorch();
  if (products.bf16 == nullptr) GTEST_SKIP() << "NOT TESTED: this LibTorch brings no MKL";
  const auto gemm = kernels::make_blas_gemm("mkl", products);
  for (const Product& size : kProducts) {
    for (const int layout : {0, 1, 2, 3}) {
      for (const bool add : {false, true}) {
        expect_product(*gemm, size, at::kBFloat16, at::kBFloat16, layout & 1, layout & 2, add);
        expect_product(*gemm, size, at::kBFloat16, at::kFloat, layout & 1, layout & 2, add);
      }
    }
  }
}

// What was in the result, NaN included, has no part in a product that does not add.
TEST_P(GemmLibrary, OverwritesNan) {
  const at::Tensor a = uniform({5, 6}, at::kFloat, 1, -1.0, 1.0);
  const at::Tensor out = at::empty({5, 5}, at::kFloat).fill_(std::numeric_limits<double>::quiet_NaN());
  gemm_->multiply(out, a, a.t(), false);
  EXPECT_LE(max_error(out, at::matmul(wide(a), wide(a).t())), 42.0 * kUnitFp32);
}

INSTANTIATE_TEST_SUITE_P(Available, GemmLibrary, testing::ValuesIn(kernels::available_gemms()),
                         [](const auto& info) { return info.param; });

// s = fma(a, b, s) over k, in order, and then what was in the result: the whole definition of the bits of `tiles`.
at::Tensor chains(const at::Tensor& a_MK, const at::Tensor& b_KN, const at::Tensor& before_MN, bool add) {
  const at::Tensor a = a_MK.to(at::kFloat).contiguous();
  const at::Tensor b = b_KN.t().to(at::kFloat).contiguous();
  const at::Tensor out = before_MN.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
  const int64_t k = a.size(1);
  const int64_t n = b.size(0);
  for (int64_t row = 0; row < a.size(0); ++row) {
    for (int64_t column = 0; column < n; ++column) {
      float sum = 0.0F;
      for (int64_t p = 0; p < k; ++p) {
        sum = std::fma(a.data_ptr<float>()[row * k + p], b.data_ptr<float>()[column * k + p], sum);
      }
      float& element = out.data_ptr<float>()[row * n + column];
      element = (add ? element : 0.0F) + sum;
    }
  }
  return out.to(before_MN.scalar_type());
}

class TilesGemm : public testing::TestWithParam<std::tuple<at::ScalarType, int>> {
 protected:
  at::ScalarType dtype() const { return std::get<0>(GetParam()); }
  at::Tensor a(const Product& size) const { return factor(size.m, size.k, layout() & 1, dtype(), 1); }
  at::Tensor b(const Product& size) const { return factor(size.k, size.n, layout() & 2, dtype(), 2); }

  std::unique_ptr<kernels::Gemm> gemm_ = kernels::make_gemm("tiles");

 private:
  int layout() const { return std::get<1>(GetParam()); }
};

TEST_P(TilesGemm, AnElementIsOneChainOverK) {
  for (const Product& size : kProducts) {
    for (const at::ScalarType out_dtype : {at::kFloat, dtype()}) {
      for (const bool add : {false, true}) {
        const at::Tensor out = uniform({size.m, size.n}, out_dtype, 3, -1.0, 1.0);
        const at::Tensor expected = chains(a(size), b(size), out, add);
        gemm_->multiply(out, a(size), b(size), add);
        EXPECT_TRUE(at::equal(out, expected)) << size.m << "x" << size.n << "x" << size.k << " add " << add;
      }
    }
  }
}

TEST_P(TilesGemm, BitsOfARowDependNeitherOnOtherRowsNorOnThreads) {
  const Product size{800, 270, 300};
  const at::Tensor rows = a(size);
  const auto product = [&](int64_t first, int64_t count) {
    const at::Tensor out = at::empty({count, size.n}, dtype());
    gemm_->multiply(out, rows.narrow(0, first, count), b(size), false);
    return out;
  };
  const at::Tensor all = product(0, size.m);
  expect_same_bits_on_all_threads([&] { return std::vector<at::Tensor>{product(0, size.m)}; });
  for (int64_t first = 0, count = 1; first < size.m; first += count, count = std::min(2 * count + 1, size.m - first)) {
    EXPECT_TRUE(at::equal(product(first, count), all.narrow(0, first, count))) << count << " from " << first;
    EXPECT_TRUE(at::equal(product(first, 1), all.narrow(0, first, 1))) << first;
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, TilesGemm, testing::Combine(testing::ValuesIn(kStorageTypes), testing::Range(0, 4)),
                         [](const auto& info) {
                           return name_of(std::get<0>(info.param)) + "_" + std::to_string(std::get<1>(info.param));
                         });

TEST(GemmNames, AnUnknownLibraryIsRefusedWithTheKnownOnes) {
  try {
    kernels::make_gemm("mkl");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("tiles"));
  }
}

}  // namespace
}  // namespace strata::test
