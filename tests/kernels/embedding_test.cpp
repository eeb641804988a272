// Gathering, scattering and the embedding's backward, whose order of addition is part of its contract.
#include "strata/kernels/embedding.h"

#include <ATen/ops/argsort.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "ops.h"

namespace strata::test {
namespace {

constexpr int64_t kIds = 11;

class EmbeddingKernel : public testing::TestWithParam<at::ScalarType> {
 protected:
  at::ScalarType dtype_ = GetParam();
};

at::Tensor some_ids(int64_t count) { return (wide(uniform({count}, at::kFloat, 1, 0.0, 10.99))).to(at::kLong); }
at::Tensor by_id(const at::Tensor& ids_N) { return at::argsort(ids_N, /*stable=*/true, 0, false); }

TEST_P(EmbeddingKernel, GathersAndScattersRows) {
  for (const Shape& shape : kShapes) {
    const at::Tensor table = uniform({kIds, shape.width}, dtype_, 1, -1.0, 1.0);
    const at::Tensor ids = some_ids(shape.rows);
    const at::Tensor out = at::empty({shape.rows, shape.width}, dtype_);
    kernels::gather_rows(out, table, ids);
    EXPECT_TRUE(at::equal(out, at::index_select(table, 0, ids)));

    const at::Tensor target = at::full({kIds, shape.width}, 7.0, dtype_);
    const at::Tensor rows = at::tensor({9, 0, 4}, at::kLong);
    kernels::scatter_rows(target, table.narrow(0, 0, 3), rows);
    EXPECT_TRUE(at::equal(at::index_select(target, 0, rows), table.narrow(0, 0, 3)));
    EXPECT_TRUE(at::equal(target.narrow(0, 5, 4), at::full({4, shape.width}, 7.0, dtype_)));
  }
}

// Ids come back often, one not at all; what was in the table is added to.
TEST_P(EmbeddingKernel, BackwardAddsEveryPosition) {
  for (const at::ScalarType table_dtype : {dtype_, at::kFloat}) {
    for (const Shape& shape : kShapes) {
      SCOPED_TRACE(testing::PrintToString(std::pair(shape.rows, shape.width)));
      const at::Tensor ids = some_ids(shape.rows);
      const at::Tensor grad = uniform({shape.rows, shape.width}, dtype_, 2, -1.0, 1.0);
      const at::Tensor table = uniform({kIds + 1, shape.width}, table_dtype, 3, -1.0, 1.0);
      const at::Tensor exact = wide(table).index_add(0, ids, wide(grad));
      kernels::embedding_backward(table, grad, ids, by_id(ids));
      // A chain of at most `rows` additions in fp32, then one stored result.
      const auto terms = static_cast<double>(shape.rows);
      const double bound = unit_of(table_dtype) * max_abs(exact) + terms * kUnitFp32 * (terms + 1.0);
      EXPECT_LE(max_error(table, exact), bound);
    }
  }
}

// 2^24 + 1 + 1 is 2^24 one by one in fp32, but 1 + 1 + 2^24 is not: positions are added in order.
TEST(EmbeddingOrder, PositionsOfAnIdAreAddedInTheirOrder) {
  const at::Tensor ids = at::tensor({1, 0, 1, 1}, at::kLong);
  const at::Tensor table = at::zeros({2, 1}, at::kFloat);
  kernels::embedding_backward(table, at::tensor({0x1p24, 5.0, 1.0, 1.0}, at::kFloat).view({4, 1}), ids, by_id(ids));
  EXPECT_EQ(table[1].item<double>(), 0x1p24);
  table.zero_();
  kernels::embedding_backward(table, at::tensor({1.0, 5.0, 1.0, 0x1p24}, at::kFloat).view({4, 1}), ids, by_id(ids));
  EXPECT_EQ(table[1].item<double>(), 0x1p24 + 2.0);
  EXPECT_EQ(table[0].item<double>(), 5.0);
}

// One id's positions cross the border between two threads' ranges.
TEST_P(EmbeddingKernel, BitsDoNotDependOnThreads) {
  const at::Tensor ids = some_ids(1000);
  const at::Tensor grad = uniform({1000, 33}, dtype_, 4, -1.0, 1.0);
  expect_same_bits_on_all_threads([&] {
    const at::Tensor table = at::zeros({kIds, 33}, dtype_);
    kernels::embedding_backward(table, grad, ids, by_id(ids));
    return std::vector<at::Tensor>{table};
  });
}

INSTANTIATE_TEST_SUITE_P(Table, EmbeddingKernel, testing::ValuesIn(kStorageTypes),
                         [](const auto& info) { return name_of(info.param); });

}  // namespace
}  // namespace strata::test
