// Causal attention over rows of any length against softmax(q k^T) v in plain ATen, fp64, under autograd.
#include "strata/kernels/attention.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops.h"
#include "strata/kernels/device.h"

namespace strata::test {
namespace {

using kernels::AttentionShape;

struct Rows {
  explicit Rows(const std::vector<int32_t>& lengths) {
    for (const int32_t length : lengths) starts.push_back(starts.back() + length);
    longest = *std::ranges::max_element(lengths);
  }
  int64_t tokens() const { return starts.back(); }
  kernels::AttentionRows view() const { return {starts, at::tensor(starts, at::kInt), longest}; }
  std::vector<int32_t> starts{0};
  int64_t longest = 0;
};

struct Results {
  at::Tensor out_NA, log_sum_HN, grad_qkv_NW;
};

Results ours(const AttentionShape& shape, const Rows& rows, const at::Tensor& qkv_NW, const at::Tensor& grad_out_NA) {
  Results r{.out_NA = at::empty_like(grad_out_NA),
            .log_sum_HN = at::empty({shape.heads, rows.tokens()}, at::kFloat),
            .grad_qkv_NW = qkv_NW.clone()};
  const auto attention = kernels::make_attention(shape, at::kCPU, qkv_NW.scalar_type());
  const at::Tensor scratch = at::empty({attention->scratch_size(rows.tokens(), rows.longest)}, at::kFloat);
  scratch.fill_(std::nan(""));  // nothing is to be read from it before it was written
  attention->forward(r.out_NA, r.log_sum_HN, rows.view(), r.grad_qkv_NW, scratch);
  scratch.fill_(std::nan(""));
  attention->backward_in_place(r.grad_qkv_NW, rows.view(), grad_out_NA, r.out_NA, r.log_sum_HN, scratch);
  return r;
}

Results reference(const AttentionShape& shape, const Rows& rows, const at::Tensor& qkv_NW,
                  const at::Tensor& grad_out_NA) {
  const at::Tensor qkv = leaf(qkv_NW);
  std::vector<at::Tensor> out, log_sums;
  for (size_t row = 1; row < rows.starts.size(); ++row) {
    const int64_t tokens = rows.starts[row] - rows.starts[row - 1];
    const at::Tensor heads = qkv.narrow(0, rows.starts[row - 1], tokens)
                                 .view({tokens, shape.heads + 2 * shape.kv_heads, shape.head_dim})
                                 .transpose(0, 1);
    const int64_t group = shape.heads / shape.kv_heads;
    const at::Tensor q = heads.narrow(0, 0, shape.heads);
    const at::Tensor k = heads.narrow(0, shape.heads, shape.kv_heads).repeat_interleave(group, 0);
    const at::Tensor v = heads.narrow(0, shape.heads + shape.kv_heads, shape.kv_heads).repeat_interleave(group, 0);
    const at::Tensor future = at::ones({tokens, tokens}, at::kBool).triu(1);
    const at::Tensor scores = (at::matmul(q, k.transpose(1, 2)) / std::sqrt(static_cast<double>(shape.head_dim)))
                                  .masked_fill(future, -std::numeric_limits<double>::infinity());
    out.push_back(at::matmul(at::softmax(scores, -1), v).transpose(0, 1).reshape({tokens, -1}));
    log_sums.push_back(at::logsumexp(scores.detach(), {-1}));
  }
  const at::Tensor all = at::cat(out);
  all.backward(wide(grad_out_NA));
  return {.out_NA = all.detach(), .log_sum_HN = at::cat(log_sums, 1), .grad_qkv_NW = qkv.grad()};
}

at::Tensor inputs(const AttentionShape& shape, const Rows& rows, at::ScalarType dtype) {
  return uniform({rows.tokens(), (shape.heads + 2 * shape.kv_heads) * shape.head_dim}, dtype, 1, -2.0, 2.0);
}

at::Tensor output_gradient(const AttentionShape& shape, const Rows& rows, at::ScalarType dtype) {
  return uniform({rows.tokens(), shape.heads * shape.head_dim}, dtype, 2, -1.0, 1.0);
}

// Around the CPU's block of 72 queries, twice it and one, and far beyond; or around the device's of 32.
std::vector<int32_t> row_lengths() {
  if (kernels::has_device_kernels(at::kCPU)) return {1, 31, 100, 32, 33, 65};
  return {1, 71, 300, 72, 73, 145};
}

// Chains of fused multiply-adds, n long, err by at most n units of the sum of their terms' absolute values.
//   score: d terms of at most 4, over sqrt(d)                    -> S = 4 sqrt(d), error e_s = (d + 2) u S
//   probability: exp of a score; 2 ulp, sum of t in the softmax  -> relative e_p = 2 e_s + 4 u + sum_error(t)
//   out: t terms that sum to 1, times values of at most 2        -> 2 (e_p + (t + 1) u)
// Backward: dP is d terms of at most 2, so D = 2 d; dS = P (dP - delta) errs by P (2 D e_p + 2 (d + t) u D), and
//   dq = sum over keys of dS k / sqrt(d): P sums to 1            -> 2 / sqrt(d) times that
//   dk, dv: columns of P do not sum to 1: up to `column` of it, times the heads of a group.
struct Bounds {
  Bounds(const AttentionShape& shape, int64_t longest, at::ScalarType dtype) : unit(unit_of(dtype)) {
    const auto d = static_cast<double>(shape.head_dim);
    const auto t = static_cast<double>(longest);
    const double score = (d + 2.0) * kUnitFp32 * 4.0 * std::sqrt(d);
    const double probability = 2.0 * score + 4.0 * kUnitFp32 + sum_error(longest);
    log_sum = score + sum_error(longest) + 2.0 * kUnitFp32 * 4.0 * std::sqrt(d);
    out = 2.0 * (probability + (t + 1.0) * kUnitFp32);
    gradient =
        2.0 / std::sqrt(d) * 2.0 * d * (2.0 * probability + 2.0 * (d + t) * kUnitFp32) + (probability + t * kUnitFp32);
    // A device takes delta from the stored output: d products of values of at most 1 and 2.
    if (kernels::has_device_kernels(at::kCPU)) gradient += 2.0 / std::sqrt(d) * 2.0 * d * unit;
  }
  double unit, log_sum, out, gradient;
};

class AttentionKernel : public testing::TestWithParam<std::tuple<at::ScalarType, int64_t>> {
 protected:
  at::ScalarType dtype_ = std::get<0>(GetParam());
  int64_t head_dim_ = std::get<1>(GetParam());
};

TEST_P(AttentionKernel, EqualsSoftmaxOfScores) {
  const AttentionShape shapes[] = {{.heads = 4, .kv_heads = 2, .head_dim = head_dim_},
                                   {.heads = 2, .kv_heads = 2, .head_dim = head_dim_},
                                   {.heads = 3, .kv_heads = 1, .head_dim = head_dim_}};
  const Rows many(row_lengths());
  const Rows single({1});
  for (const AttentionShape& shape : shapes) {
    for (const Rows* rows : {&many, &single}) {
      if (rows == &many && shape.heads != 4) continue;
      SCOPED_TRACE(testing::PrintToString(std::pair(shape.heads, rows->tokens())));
      const at::Tensor qkv = inputs(shape, *rows, dtype_);
      const at::Tensor grad_out = output_gradient(shape, *rows, dtype_);
      const Results r = ours(shape, *rows, qkv, grad_out);
      const Results exact = reference(shape, *rows, qkv, grad_out);
      const Bounds bounds(shape, rows->longest, dtype_);
      EXPECT_LE(max_error(r.log_sum_HN, exact.log_sum_HN), bounds.log_sum);
      EXPECT_LE(max_error(r.out_NA, exact.out_NA), bounds.out + bounds.unit * max_abs(exact.out_NA));
      // The first token of a row may carry the weight of many queries: its column of P sums to more than 1.
      const double column = 8.0 * static_cast<double>(shape.heads / shape.kv_heads);
      EXPECT_LE(max_error(r.grad_qkv_NW, exact.grad_qkv_NW),
                column * bounds.gradient + bounds.unit * max_abs(exact.grad_qkv_NW));
    }
  }
}

TEST_P(AttentionKernel, BitsDependNeitherOnThreadsNorOnOtherRows) {
  const AttentionShape shape{.heads = 4, .kv_heads = 2, .head_dim = head_dim_};
  const Rows rows({35, 1, 73});
  const at::Tensor qkv = inputs(shape, rows, dtype_);
  const at::Tensor grad_out = output_gradient(shape, rows, dtype_);
  expect_same_bits_on_all_threads([&] {
    const Results r = ours(shape, rows, qkv, grad_out);
    return std::vector<at::Tensor>{r.out_NA, r.log_sum_HN, r.grad_qkv_NW};
  });
  const Results together = ours(shape, rows, qkv, grad_out);
  const Results alone = ours(shape, Rows({73}), qkv.narrow(0, 36, 73).clone(), grad_out.narrow(0, 36, 73).clone());
  EXPECT_TRUE(at::equal(together.out_NA.narrow(0, 36, 73), alone.out_NA));
  EXPECT_TRUE(at::equal(together.grad_qkv_NW.narrow(0, 36, 73), alone.grad_qkv_NW));
}

INSTANTIATE_TEST_SUITE_P(Table, AttentionKernel,
                         testing::Combine(testing::ValuesIn(kStorageTypes), testing::Values(8, 32, 48, 64, 128)),
                         [](const auto& info) {
                           return name_of(std::get<0>(info.param)) + "_" + std::to_string(std::get<1>(info.param));
                         });

// Scores of some thousands: the softmax becomes a choice, and nothing overflows.
TEST(AttentionRange, LargeScoresStayFinite) {
  const AttentionShape shape{.heads = 1, .kv_heads = 1, .head_dim = 8};
  const Rows rows({80});
  const at::Tensor qkv = inputs(shape, rows, at::kFloat).mul(50.0);
  const at::Tensor grad_out = output_gradient(shape, rows, at::kFloat);
  const Results r = ours(shape, rows, qkv, grad_out);
  const Results exact = reference(shape, rows, qkv, grad_out);
  // Scores reach 28,000 with ten units of them as error, which a probability near the balance of two keys multiplies.
  EXPECT_LT(max_error(r.out_NA, exact.out_NA) / max_abs(exact.out_NA), 28000.0 * 10.0 * kUnitFp32);
  EXPECT_LT(max_error(r.grad_qkv_NW, exact.grad_qkv_NW) / max_abs(exact.grad_qkv_NW), 2.0 * 28000.0 * 10.0 * kUnitFp32);
}

}  // namespace
}  // namespace strata::test
