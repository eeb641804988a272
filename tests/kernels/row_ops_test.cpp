// The kernels that work on one row at a time, against plain ATen in fp64: rotary, SwiGLU, cross-entropy, gates.
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/tensor.h>

#include <cmath>

#include "kernels/gate.inl"
#include "ops.h"
#include "strata/kernels/cross_entropy.h"
#include "strata/kernels/junction.h"
#include "strata/kernels/rotary.h"
#include "strata/kernels/swiglu.h"

namespace strata::test {
namespace {

class RowKernel : public testing::TestWithParam<at::ScalarType> {
 protected:
  at::ScalarType dtype_ = GetParam();
  double unit_ = unit_of(dtype_);
};

constexpr double kTheta = 1e4;

at::Tensor rotary_table(int64_t positions, int64_t head_dim) {
  at::Tensor table = at::empty({2, positions, head_dim / 2}, at::kFloat);
  kernels::fill_rotary_table(table, kTheta);
  return table;
}

// Hugging Face's apply_rotary_pos_emb: x cos + rotate_half(x) sin, with both halves of cos and sin alike.
at::Tensor rotate_half_formula(const at::Tensor& x_NHd, const at::Tensor& positions_N) {
  const int64_t half = x_NHd.size(2) / 2;
  const at::Tensor frequency =
      at::pow(at::Scalar(kTheta), at::arange(half, at::kDouble) * (-1.0 / static_cast<double>(half)));
  const at::Tensor angle = at::outer(wide(positions_N), frequency);
  const at::Tensor both = at::cat({angle, angle}, 1).unsqueeze(1);
  const at::Tensor turned = at::cat({-x_NHd.narrow(2, half, half), x_NHd.narrow(2, 0, half)}, 2);
  return x_NHd * both.cos() + turned * both.sin();
}

TEST_P(RowKernel, RotaryIsTheRotateHalfFormulaAndItsInverseTurnsBack) {
  constexpr int64_t kHeads = 3, kPositions = 300;
  for (const int64_t head_dim : {2, 14, 32, 48, 128}) {
    for (const int64_t tokens : {1, 37}) {
      SCOPED_TRACE(testing::PrintToString(std::pair(head_dim, tokens)));
      const at::Tensor table = rotary_table(kPositions, head_dim);
      const at::Tensor positions = (at::arange(tokens, at::kInt) * 8 + 3).to(at::kInt);
      // Five columns behind the heads must stay as they are.
      const at::Tensor before = uniform({tokens, kHeads * head_dim + 5}, dtype_, 1, -1.0, 1.0);
      const at::Tensor heads = before.clone();
      kernels::rotate(heads, kHeads, {positions, table}, false);
      const at::Tensor exact =
          rotate_half_formula(wide(before).narrow(1, 0, kHeads * head_dim).view({tokens, kHeads, head_dim}), positions);
      // Two products of values up to 1 with a table in fp32, one sum, one stored result up to sqrt(2).
      const double bound = 6.0 * kUnitFp32 + std::sqrt(2.0) * unit_;
      EXPECT_LE(max_error(heads.narrow(1, 0, kHeads * head_dim), exact.reshape({tokens, -1})), bound);
      kernels::rotate(heads, kHeads, {positions, table}, true);
      EXPECT_LE(max_error(heads, before), 2.0 * bound + unit_);
      EXPECT_TRUE(at::equal(heads.narrow(1, kHeads * head_dim, 5), before.narrow(1, kHeads * head_dim, 5)));
    }
  }
}

// Gradients that lie apart become rows as copies would, and then a rotation back.
TEST_P(RowKernel, GradientsOfQueriesKeysAndValuesAreRotatedBackOnTheirWay) {
  constexpr int64_t kHeads = 4, kKvHeads = 2, kPositions = 300;
  for (const int64_t head_dim : {2, 14, 32, 128}) {
    for (const int64_t tokens : {1, 37}) {
      SCOPED_TRACE(testing::PrintToString(std::pair(head_dim, tokens)));
      const at::Tensor table = rotary_table(kPositions, head_dim);
      const at::Tensor positions = (at::arange(tokens, at::kInt) * 8 + 3).to(at::kInt);
      const at::Tensor query = uniform({tokens, kHeads, head_dim}, dtype_, 1, -1.0, 1.0);
      const at::Tensor key = uniform({tokens, kKvHeads, head_dim}, dtype_, 2, -1.0, 1.0);
      const at::Tensor value = uniform({tokens, kKvHeads, head_dim}, dtype_, 3, -1.0, 1.0);
      const at::Tensor expected = at::cat({query, key, value}, 1).view({tokens, -1}).contiguous();
      kernels::rotate(expected, kHeads + kKvHeads, {positions, table}, true);
      const at::Tensor qkv = at::empty_like(expected);
      kernels::store_rotated_back(qkv, {query, key, value}, {positions, table});
      EXPECT_TRUE(at::equal(qkv, expected));
      const at::Tensor in_place = at::cat({query, key, value}, 1);
      kernels::store_rotated_back(in_place.view({tokens, -1}),
                                  {in_place.narrow(1, 0, kHeads), in_place.narrow(1, kHeads, kKvHeads),
                                   in_place.narrow(1, kHeads + kKvHeads, kKvHeads)},
                                  {positions, table});
      EXPECT_TRUE(at::equal(in_place.view({tokens, -1}), expected));
    }
  }
}

// sigmoid is within 4 ulp (8 units); three more operations and the stored result. Factors are at most 8, 1 and 3.
TEST_P(RowKernel, SwigluAndItsGradientsInPlace) {
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(testing::PrintToString(std::pair(shape.rows, shape.width)));
    const at::Tensor gate_up = at::cat({uniform({shape.rows, shape.width}, dtype_, 1, -8.0, 8.0),
                                        uniform({shape.rows, shape.width}, dtype_, 2, -3.0, 3.0)},
                                       1);
    const at::Tensor grad = uniform({shape.rows, shape.width}, dtype_, 3, -1.0, 1.0);
    const at::Tensor leaf_N2F = leaf(gate_up);
    const at::Tensor exact =
        at::silu(leaf_N2F.narrow(1, 0, shape.width)) * leaf_N2F.narrow(1, shape.width, shape.width);
    exact.backward(wide(grad));

    const at::Tensor out = at::empty_like(grad);
    kernels::swiglu(out, gate_up);
    EXPECT_LE(max_error(out, exact), 24.0 * (11.0 * kUnitFp32 + unit_));
    const at::Tensor gradients = gate_up.clone();
    const at::Tensor out_again = grad.clone();
    kernels::swiglu_backward_in_place(gradients, out_again);
    // 3 s (1 + g (1 - s)): the parenthesis is at most 9 with eight units on s and on 1 - s each.
    EXPECT_LE(max_error(gradients.narrow(1, 0, shape.width), leaf_N2F.grad().narrow(1, 0, shape.width)),
              3.0 * (9.0 * 20.0 * kUnitFp32 + 1.1 * unit_));
    EXPECT_LE(
        max_error(gradients.narrow(1, shape.width, shape.width), leaf_N2F.grad().narrow(1, shape.width, shape.width)),
        8.0 * (11.0 * kUnitFp32 + unit_));
    EXPECT_LE(max_error(out_again, exact), 24.0 * (11.0 * kUnitFp32 + unit_));
  }
}

TEST_P(RowKernel, SwigluSaturatesQuietly) {
  const at::Tensor gate_up = at::tensor({-200.0, 200.0, 1.0, 1.0}, at::kDouble).to(dtype_).view({1, 4});
  const at::Tensor out = at::empty({1, 2}, dtype_);
  kernels::swiglu(out, gate_up);
  EXPECT_LE(max_error(out, at::tensor({0.0, 200.0}, at::kDouble).view({1, 2})), 200.0 * unit_);
  const at::Tensor grad = at::tensor({1.0, 1.0}, at::kDouble).to(dtype_).view({1, 2});
  kernels::swiglu_backward_in_place(gate_up, grad);
  EXPECT_LE(max_error(gate_up, at::tensor({0.0, 1.0, 0.0, 200.0}, at::kDouble).view({1, 4})), 200.0 * unit_);
}

at::Tensor number(double value) { return at::scalar_tensor(value, at::kDouble); }

struct CrossEntropyCase {
  at::Tensor logits_RV, targets_R;
};

// Targets at both ends and between.
CrossEntropyCase cross_entropy_case(const Shape& shape, at::ScalarType dtype, double size) {
  const at::Tensor targets = at::arange(shape.rows, at::kLong) * 17 % shape.width;
  targets[shape.rows - 1].fill_(shape.width - 1);
  return {uniform({shape.rows, shape.width}, dtype, 1, -size, size), targets};
}

// A logit's distance from the largest, at most 2 size, is exact to half a unit, which the exponential makes relative;
// the exponential is within 2 ulp, their sum within sum_error. A probability is the quotient of two such values.
TEST_P(RowKernel, CrossEntropyAndItsGradientInPlace) {
  constexpr double kScale = 0.25;
  for (const Shape& shape : kShapes) {
    for (const double size : {3.0, 80.0, 30000.0}) {
      SCOPED_TRACE(testing::PrintToString(std::pair(shape.width, size)));
      const auto [logits, targets] = cross_entropy_case(shape, dtype_, size);
      const at::Tensor exact_logits = leaf(logits);
      const at::Tensor exact = at::cross_entropy_loss(exact_logits, targets, {}, 0);
      (exact.sum() * kScale).backward();

      const double relative = 4.0 * kUnitFp32 + sum_error(shape.width) + 176.0 * kUnitFp32;
      const at::Tensor loss = at::empty({shape.rows}, at::kFloat);
      const at::Tensor untouched = logits.clone();
      kernels::cross_entropy(loss, untouched, targets);
      EXPECT_TRUE(at::equal(untouched, logits));
      EXPECT_LE(max_error(loss, exact), relative + 2.0 * kUnitFp32 * max_abs(exact));

      const at::Tensor gradient = logits.clone();
      const at::Tensor loss_again = at::empty({shape.rows}, at::kFloat);
      kernels::cross_entropy_in_place(loss_again, gradient, targets, number(kScale));
      EXPECT_TRUE(at::equal(loss, loss_again));
      EXPECT_LE(max_error(gradient, exact_logits.grad()), kScale * (2.0 * relative + unit_));
      // Every row sums to 0: V terms whose absolute values sum to at most 2 scale.
      EXPECT_LE(max_abs(wide(gradient).sum(1)), 2.0 * kScale * (2.0 * relative + unit_));
    }
  }
}

// Rows that lie further apart than they are long: the padding of a vocabulary is no class, and stays as it is.
TEST_P(RowKernel, CrossEntropyLeavesWhatLiesBehindTheRows) {
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(testing::PrintToString(shape.width));
    const auto [logits, targets] = cross_entropy_case(shape, dtype_, 3.0);
    const at::Tensor expected = logits.clone(), expected_loss = at::empty({shape.rows}, at::kFloat);
    kernels::cross_entropy_in_place(expected_loss, expected, targets, number(0.5));
    const at::Tensor wide_rows = at::full({shape.rows, shape.width + 8}, 1e30, logits.options());
    const at::Tensor rows = wide_rows.narrow(1, 0, shape.width);
    rows.copy_(logits);
    const at::Tensor loss = at::empty({shape.rows}, at::kFloat);
    kernels::cross_entropy(loss, rows, targets);
    EXPECT_TRUE(at::equal(loss, expected_loss));
    kernels::cross_entropy_in_place(loss, rows, targets, number(0.5));
    EXPECT_TRUE(at::equal(loss, expected_loss));
    EXPECT_TRUE(at::equal(rows, expected));
    EXPECT_TRUE(wide_rows.narrow(1, shape.width, 8).eq(wide_rows[0][shape.width]).all().item<bool>());
  }
}

TEST_P(RowKernel, CrossEntropyOfOneSureClassIsZeroAndOfNanIsNan) {
  const at::Tensor logits = at::tensor({500.0, -500.0, 0.0}, at::kDouble).to(dtype_).view({1, 3});
  const at::Tensor loss = at::empty({1}, at::kFloat);
  kernels::cross_entropy_in_place(loss, logits, at::tensor({0}, at::kLong), number(1.0));
  EXPECT_EQ(loss.item<float>(), 0.0F);
  EXPECT_EQ(max_abs(logits), 0.0);
  logits.select(1, 1).fill_(std::nan(""));
  kernels::cross_entropy_in_place(loss, logits, at::tensor({0}, at::kLong), number(1.0));
  EXPECT_TRUE(std::isnan(loss.item<float>()));
}

// Batches of a fixed shape have such rows at their end, with whatever logits.
TEST_P(RowKernel, CrossEntropyOfARowWithoutATargetIsZero) {
  const auto [logits, targets] = cross_entropy_case({4, 33}, dtype_, 3.0);
  const at::Tensor ignored = logits.clone(), targets_ignored = targets.clone();
  targets_ignored[1].fill_(-100);
  targets_ignored[3].fill_(-100);
  ignored[3].fill_(std::nan(""));
  const at::Tensor loss = at::empty({4}, at::kFloat), with_ignored = at::empty({4}, at::kFloat);
  kernels::cross_entropy(with_ignored, ignored, targets_ignored);
  EXPECT_EQ(max_abs(with_ignored[3]), 0.0);
  kernels::cross_entropy_in_place(loss, logits, targets, number(0.5));
  kernels::cross_entropy_in_place(with_ignored, ignored, targets_ignored, number(0.5));
  for (const int64_t row : {0, 2}) {
    EXPECT_TRUE(at::equal(ignored[row], logits[row]));
    EXPECT_TRUE(at::equal(with_ignored[row], loss[row]));
  }
  for (const int64_t row : {1, 3}) {
    EXPECT_EQ(max_abs(ignored[row]), 0.0);
    EXPECT_EQ(with_ignored[row].item<float>(), 0.0F);
  }
}

TEST_P(RowKernel, BitsDoNotDependOnThreads) {
  const Shape shape{131, 33};
  expect_same_bits_on_all_threads([&] {
    const at::Tensor heads = uniform({shape.rows, 96}, dtype_, 1, -1.0, 1.0);
    kernels::rotate(heads, 2, {at::arange(shape.rows, at::kInt), rotary_table(shape.rows, 32)}, false);
    const at::Tensor gate_up = uniform({shape.rows, 2 * shape.width}, dtype_, 2, -8.0, 8.0);
    const at::Tensor out = uniform({shape.rows, shape.width}, dtype_, 3, -1.0, 1.0);
    const at::Tensor forward = at::empty_like(out);
    kernels::swiglu(forward, gate_up);
    kernels::swiglu_backward_in_place(gate_up, out);
    const auto [logits, targets] = cross_entropy_case(shape, dtype_, 10.0);
    const at::Tensor loss = at::empty({shape.rows}, at::kFloat);
    kernels::cross_entropy_in_place(loss, logits, targets, number(0.5));
    return std::vector<at::Tensor>{heads, forward, gate_up, out, logits, loss};
  });
}

// Against autograd of the activations that the paper's ablation names.
TEST_P(RowKernel, GateFactorsAndSlopes) {
  const std::pair<GateActivation, std::function<at::Tensor(const at::Tensor&)>> activations[] = {
      {GateActivation::kSilu, [](const at::Tensor& a) { return at::silu(a); }},
      {GateActivation::kIdentity, [](const at::Tensor& a) { return 1.0 * a; }},
      {GateActivation::kRelu, [](const at::Tensor& a) { return at::relu(a); }},
      {GateActivation::kTanh, [](const at::Tensor& a) { return at::tanh(a); }},
      {GateActivation::kLeakyRelu, [](const at::Tensor& a) { return at::leaky_relu(a, 0.01); }},
      {GateActivation::kScaledSilu, [](const at::Tensor& a) { return a * at::sigmoid(8.0 * a); }}};
  const at::Tensor alpha = uniform({101}, dtype_, 1, -3.0, 3.0);
  alpha[0].fill_(0.0);  // where every gate starts
  for (const auto& [activation, formula] : activations) {
    SCOPED_TRACE(static_cast<int>(activation));
    const at::Tensor exact_alpha = leaf(alpha);
    const at::Tensor exact = formula(exact_alpha);
    exact.sum().backward();
    const at::Tensor factor = at::empty({101}, at::kFloat);
    const at::Tensor slope = at::empty({101}, at::kFloat);
    for (int64_t i = 0; i < alpha.numel(); ++i) {
      const kernels::GateValue value = kernels::gate_value(activation, alpha[i].item<float>());
      factor[i].fill_(value.factor);
      slope[i].fill_(value.slope);
    }
    EXPECT_LE(max_error(factor, 1.0 - exact), 3.0 * 12.0 * kUnitFp32);
    // scaled_silu: s (1 + 8 a (1 - s)) with 8 a up to 24 and eight units on s and 1 - s.
    EXPECT_LE(max_error(slope, exact_alpha.grad()), 25.0 * 20.0 * kUnitFp32);
  }
}

INSTANTIATE_TEST_SUITE_P(Table, RowKernel, testing::ValuesIn(kStorageTypes),
                         [](const auto& info) { return name_of(info.param); });

}  // namespace
}  // namespace strata::test
