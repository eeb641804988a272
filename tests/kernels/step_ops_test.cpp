// The numbers that decide a step: sums in fp64, squares of an arena's blocks, and what clipping makes of them.
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "ops.h"
#include "strata/kernels/clip.h"
#include "strata/kernels/sums.h"

namespace strata::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

at::Tensor number(double value) { return at::full({}, value, at::kDouble); }

at::Tensor table(std::initializer_list<int64_t> values) { return at::tensor(values, at::kLong); }

// fp64 sums of n numbers: n roundings of at most 2^-53 of the sum of their absolute values.
double fp64_sum_error(int64_t terms) { return static_cast<double>(terms) * 0x1p-53; }

TEST(Sums, AddAScaledSumToATotal) {
  for (const int64_t terms : {0, 1, 1000}) {
    const at::Tensor values = uniform({terms}, at::kFloat, 1, 0.0, 10.0);
    const double sum = wide(values).sum().item<double>();
    const at::Tensor total = number(3.0);
    kernels::add_sum(total, values, number(0.25));
    EXPECT_NEAR(total.item<double>(), 3.0 + 0.25 * sum, 0x1p-50 + sum * fp64_sum_error(terms));
    const at::Tensor plain = number(0.0);
    kernels::add_sum(plain, values, {});
    EXPECT_NEAR(plain.item<double>(), sum, sum * fp64_sum_error(2 * terms));
  }
}

TEST(Sums, AddRowsToSumsThatAreThere) {
  const at::Tensor rows = uniform({301, 2}, at::kFloat, 1, 0.0, 1.0);
  const at::Tensor sums = at::full({2}, 5.0, at::kDouble);
  kernels::add_rows(sums, rows.narrow(0, 0, 100));
  kernels::add_rows(sums, rows.narrow(0, 100, 201));
  EXPECT_LE(max_error(sums, 5.0 + wide(rows).sum(0)), 306.0 * fp64_sum_error(302));
}

TEST(Sums, OfRunsWhichMayBeEmpty) {
  const at::Tensor values = uniform({50}, at::kFloat, 1, 0.0, 1.0);
  const at::Tensor sums = at::full({3}, 7.0, at::kDouble);
  kernels::sums_of_runs(sums, values, table({2, 45, 45, 50}));
  EXPECT_NEAR(sums[0].item<double>(), wide(values).narrow(0, 2, 43).sum().item<double>(), 43.0 * fp64_sum_error(86));
  EXPECT_EQ(sums[1].item<double>(), 0.0);
  EXPECT_NEAR(sums[2].item<double>(), wide(values).narrow(0, 45, 5).sum().item<double>(), 5.0 * fp64_sum_error(10));
}

TEST(Squares, OfBlocksOfAnArena) {
  for (const at::ScalarType dtype : kStorageTypes) {
    const at::Tensor arena = uniform({9000}, dtype, 1, -2.0, 2.0);
    const at::Tensor blocks = table({0, 4096, 4096, 17, 4113, 0, 8999, 1}).view({4, 2});
    const at::Tensor squares = at::full({4}, 9.0, at::kFloat);
    kernels::sums_of_squares(squares, arena, blocks);
    for (int64_t b = 0; b < 4; ++b) {
      const int64_t begin = blocks[b][0].item<int64_t>(), count = blocks[b][1].item<int64_t>();
      const double exact = wide(arena).narrow(0, begin, count).square().sum().item<double>();
      EXPECT_NEAR(squares[b].item<double>(), exact, exact * sum_error(count)) << "block " << b;
      const at::Tensor by_itself = at::zeros({1}, at::kFloat);
      kernels::sums_of_squares(by_itself, arena, blocks.narrow(0, b, 1));
      EXPECT_EQ(by_itself.item<float>(), squares[b].item<float>()) << "its bits depend on the other blocks";
    }
  }
}

TEST(Squares, BitsDoNotDependOnThreads) {
  const at::Tensor arena = uniform({40 * 4096}, at::kFloat, 1, -2.0, 2.0);
  const at::Tensor blocks = at::zeros({40, 2}, at::kLong);
  for (int64_t b = 0; b < 40; ++b) blocks[b].copy_(table({b * 4096, 4096 - b}));
  expect_same_bits_on_all_threads([&] {
    const at::Tensor squares = at::zeros({40}, at::kFloat);
    kernels::sums_of_squares(squares, arena, blocks);
    return std::vector<at::Tensor>{squares};
  });
}

TEST(Squares, ValuesAtPlacesThatMayBeNone) {
  for (const at::ScalarType dtype : kStorageTypes) {
    const at::Tensor arena = uniform({100}, dtype, 1, 1.0, 2.0);
    const at::Tensor values = at::full({3}, 9.0, at::kFloat);
    kernels::values_at(values, arena, table({99, -1, 0}));
    const at::Tensor exact = arena.to(at::kFloat);
    EXPECT_EQ(values[0].item<float>(), exact[99].item<float>());
    EXPECT_EQ(values[1].item<float>(), 0.0F);
    EXPECT_EQ(values[2].item<float>(), exact[0].item<float>());
  }
}

// Two parameters and two gates; the gates' norm is 5, all of them together have 13.
class Clip : public testing::Test {
 protected:
  double outcome(kernels::ClipNumber which) const { return outcome_[which].item<double>(); }
  void clip(const kernels::ClipRule& rule, double loss = 1.0) {
    kernels::clip(outcome_, rule, number(loss), squares_, is_gate_);
  }

  const at::Tensor squares_ = at::tensor({44.0, 9.0, 100.0, 16.0}, at::kDouble);
  const at::Tensor is_gate_ = table({0, 1, 0, 1}).to(at::kBool);
  const at::Tensor outcome_ = at::zeros({kernels::kClipNumbers}, at::kDouble);
};

TEST_F(Clip, LeavesSmallGradientsAndNoLimitsAlone) {
  for (const kernels::ClipRule rule : {kernels::ClipRule{}, kernels::ClipRule{.global_limit = 14, .gate_limit = 6}}) {
    clip(rule);
    EXPECT_EQ(outcome(kernels::kGlobalNorm), 13.0);
    EXPECT_EQ(outcome(kernels::kGateNorm), 5.0);
    EXPECT_EQ(outcome(kernels::kGlobalFactor), 1.0);
    EXPECT_EQ(outcome(kernels::kGateFactor), 1.0);
    EXPECT_EQ(outcome(kernels::kApply), 1.0);
  }
}

TEST_F(Clip, CutsAllAndThenTheGatesOnceMore) {
  clip({.global_limit = 6.5, .gate_limit = 1.25});
  const double global = 6.5 / (13.0 + 1e-6);
  EXPECT_DOUBLE_EQ(outcome(kernels::kGlobalFactor), global);
  EXPECT_DOUBLE_EQ(outcome(kernels::kGateFactor), global * (1.25 / (global * 5.0 + 1e-6)));
  clip({.global_limit = 6.5, .gate_limit = 2.6});  // the first clipping was enough
  EXPECT_DOUBLE_EQ(outcome(kernels::kGateFactor), global);
}

TEST_F(Clip, LeavesOutWhatIsNotFiniteAndGoesOn) {
  for (const double loss : {std::nan(""), kInfinity}) {
    clip({.global_limit = 1.0}, loss);
    EXPECT_EQ(outcome(kernels::kFinite), 0.0);
    EXPECT_EQ(outcome(kernels::kApply), 0.0);
  }
  clip({});
  EXPECT_EQ(outcome(kernels::kApply), 1.0);
  for (const double square : {std::nan(""), kInfinity}) {
    squares_[2].fill_(square);
    clip({.global_limit = 1.0});
    EXPECT_EQ(outcome(kernels::kFinite), 0.0);
    EXPECT_EQ(outcome(kernels::kApply), 0.0);
  }
}

TEST_F(Clip, HaltsForGoodWhereTheRuleSaysSo) {
  const kernels::ClipRule rule{.halts = true};
  clip(rule);
  EXPECT_EQ(outcome(kernels::kHalted), 0.0);
  clip(rule, std::nan(""));
  EXPECT_EQ(outcome(kernels::kHalted), 1.0);
  clip(rule);
  EXPECT_EQ(outcome(kernels::kFinite), 1.0);
  EXPECT_EQ(outcome(kernels::kApply), 0.0) << "the step after one that ends the run";
}

}  // namespace
}  // namespace strata::test
