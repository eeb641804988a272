// The squared ReLU against plain ATen in fp64.
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/relu.h>

#include "ops.h"
#include "strata/kernels/squared_relu.h"

namespace strata::test {
namespace {

class SquaredRelu : public testing::TestWithParam<at::ScalarType> {
 protected:
  at::ScalarType dtype_ = GetParam();
  double unit_ = unit_of(dtype_);
};

// One product and the stored result, up to 16; backward two products, up to 8.
TEST_P(SquaredRelu, AndItsGradientInPlace) {
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(testing::PrintToString(std::pair(shape.rows, shape.width)));
    const at::Tensor x = uniform({shape.rows, shape.width}, dtype_, 1, -4.0, 4.0);
    const at::Tensor grad = uniform({shape.rows, shape.width}, dtype_, 2, -1.0, 1.0);
    const at::Tensor leaf_NF = leaf(x);
    const at::Tensor exact = at::relu(leaf_NF) * at::relu(leaf_NF);
    exact.backward(wide(grad));
    const at::Tensor out = at::empty_like(x);
    kernels::squared_relu(out, x);
    EXPECT_LE(max_error(out, exact), 16.0 * (kUnitFp32 + unit_));
    kernels::squared_relu_backward_in_place(grad, x);
    EXPECT_LE(max_error(grad, leaf_NF.grad()), 8.0 * (2.0 * kUnitFp32 + unit_));
  }
}

TEST_P(SquaredRelu, BitsDoNotDependOnThreads) {
  expect_same_bits_on_all_threads([&] {
    const at::Tensor x = uniform({131, 33}, dtype_, 1, -4.0, 4.0);
    const at::Tensor out = at::empty_like(x), grad = uniform({131, 33}, dtype_, 2, -1.0, 1.0);
    kernels::squared_relu(out, x);
    kernels::squared_relu_backward_in_place(grad, x);
    return std::vector<at::Tensor>{out, grad};
  });
}

INSTANTIATE_TEST_SUITE_P(Table, SquaredRelu, testing::ValuesIn(kStorageTypes),
                         [](const auto& info) { return name_of(info.param); });

}  // namespace
}  // namespace strata::test
