// Norms on queries, keys and values, and the rotation behind them, against their equations in plain ATen, fp64, under
// autograd.
#include "strata/kernels/qkv_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/zeros_like.h>

#include "ops.h"

namespace strata::test {
namespace {

struct Case {
  at::ScalarType dtype = at::kFloat;
  bool full = false;  // one norm over all heads instead of one for each
  bool value = false;
  kernels::AttentionShape shape = {.heads = 6, .kv_heads = 2, .head_dim = 16};
  int64_t tokens = 37;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << name_of(c.dtype) << (c.full ? " full" : " by head") << (c.value ? " with values " : " ")
             << c.shape.head_dim << " wide";
}

struct Inputs {
  explicit Inputs(const Case& c) {
    const auto [heads, kv_heads, dim] = c.shape;
    const int64_t width = (heads + 2 * kv_heads) * dim;
    qkv_NW = uniform({c.tokens, width}, c.dtype, 1, 0.5, 2.0);
    grad_NW = uniform({c.tokens, width}, c.dtype, 2, -1.0, 1.0);
    const auto gain = [&](int64_t size, uint64_t seed) { return uniform({size}, c.dtype, seed, 0.5, 1.5); };
    positions_N = (at::arange(c.tokens, at::kInt) * 5 % kPositions).to(at::kInt);
    table = at::empty({2, kPositions, dim / 2}, at::kFloat);
    kernels::fill_rotary_table(table, 1e4);
    norm = {.shape = c.shape,
            .eps = 1e-5,
            .query_gain = gain(c.full ? heads * dim : dim, 3),
            .key_gain = gain(c.full ? kv_heads * dim : dim, 4),
            .value_gain = c.value ? gain(dim, 5) : at::Tensor()};
  }

  static constexpr int64_t kPositions = 50;

  kernels::Rotation rotation() const { return {positions_N, table}; }

  at::Tensor qkv_NW, grad_NW;
  at::Tensor positions_N, table;
  kernels::QkvNorm norm;
};

// Heads of a batch's rows, as views or on their own.
kernels::QkvGradients parts_of(const Case& c, const at::Tensor& qkv_NW, bool apart) {
  const auto [heads, kv_heads, dim] = c.shape;
  const at::Tensor by_head = qkv_NW.view({c.tokens, heads + 2 * kv_heads, dim});
  std::vector<at::Tensor> parts = by_head.split_with_sizes({heads, kv_heads, kv_heads}, 1);
  for (at::Tensor& part : parts) part = apart ? part.clone(at::MemoryFormat::Contiguous) : part;
  return {parts[0], parts[1], parts[2]};
}

struct Results {
  at::Tensor normed_NW, raw_NV, grad_NW;
  kernels::QkvNormGradients gains;

  std::vector<at::Tensor> all() const {
    std::vector<at::Tensor> all{normed_NW, raw_NV, grad_NW, gains.query_gain, gains.key_gain};
    if (gains.value_gain.defined()) all.push_back(gains.value_gain);
    return all;
  }
};

Results computed(const Case& c, const Inputs& in, bool apart = false) {
  const auto zeros_for = [](const at::Tensor& gain) { return gain.defined() ? at::zeros_like(gain) : at::Tensor(); };
  Results r{.normed_NW = in.qkv_NW.clone(),
            .raw_NV = at::empty({c.tokens, kernels::qkv_normed_width(in.norm)}, c.dtype),
            .grad_NW = apart ? at::full_like(in.grad_NW, 1e4) : in.grad_NW.clone(),
            .gains = {zeros_for(in.norm.query_gain), zeros_for(in.norm.key_gain), zeros_for(in.norm.value_gain)}};
  kernels::qkv_norm_forward(r.normed_NW, r.raw_NV, in.norm, in.rotation());
  kernels::qkv_norm_backward(r.grad_NW, parts_of(c, apart ? in.grad_NW : r.grad_NW, apart), r.raw_NV, in.norm,
                             in.rotation(), r.gains,
                             at::empty({kernels::qkv_norm_scratch_size(c.tokens, in.norm)}, at::kFloat));
  return r;
}

// The equation; both roundings of what is stored pass gradients through.
at::Tensor normed(const Case& c, const at::Tensor& part_NA, const at::Tensor& gain) {
  if (!gain.defined()) return part_NA;
  const auto rounded = [&](const at::Tensor& x) { return x + (x.to(c.dtype).to(at::kDouble) - x).detach(); };
  const at::Tensor groups = part_NA.view({c.tokens, -1, gain.numel()});
  const at::Tensor normal = groups / (at::pow(groups, 2).mean(-1, true) + 1e-5).sqrt();
  return rounded(rounded(normal) * gain).view({c.tokens, -1});
}

// The first `heads` heads by their positions.
at::Tensor rotated(const Case& c, const Inputs& in, const at::Tensor& part_NA) {
  const at::Tensor heads = part_NA.view({c.tokens, -1, c.shape.head_dim});
  const std::vector<at::Tensor> halves = heads.chunk(2, 2);
  const auto angles = [&](int64_t which) {
    return in.table.select(0, which).index_select(0, in.positions_N).unsqueeze(1).to(at::kDouble);
  };
  const at::Tensor cosine = angles(0), sine = angles(1);
  return at::cat({halves[0] * cosine - halves[1] * sine, halves[1] * cosine + halves[0] * sine}, 2)
      .view({c.tokens, -1});
}

void expect_equal(const Results& one, const Results& other) {
  const std::vector<at::Tensor> a = one.all(), b = other.all();
  for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(a[i].equal(b[i])) << i;
}

class QkvNormKernel : public testing::TestWithParam<Case> {};

TEST_P(QkvNormKernel, EqualsItsEquation) {
  const Case c = GetParam();
  const Inputs in(c);
  const Results ours = computed(c, in);
  const auto [heads, kv_heads, dim] = c.shape;
  const at::Tensor qkv = leaf(in.qkv_NW), query = leaf(in.norm.query_gain), key = leaf(in.norm.key_gain);
  const at::Tensor value = c.value ? leaf(in.norm.value_gain) : at::Tensor();
  const std::vector<at::Tensor> parts = qkv.split_with_sizes({heads * dim, kv_heads * dim, kv_heads * dim}, 1);
  const at::Tensor exact = at::cat({rotated(c, in, normed(c, parts[0], query)),
                                    rotated(c, in, normed(c, parts[1], key)), normed(c, parts[2], value)},
                                   1);
  exact.backward(wide(in.grad_NW));

  const double unit = unit_of(c.dtype), sums = 3.0 * sum_error(c.full ? heads * dim : dim);
  EXPECT_LE(max_error(ours.normed_NW, exact), (6.0 * unit + sums) * max_abs(exact));
  EXPECT_LE(max_error(ours.grad_NW, qkv.grad()), (7.0 * unit + 2.0 * sums) * 8.0);
  const auto expect_sum = [&](const at::Tensor& sum, const at::Tensor& expected, int64_t terms) {
    const auto count = static_cast<double>(terms);
    EXPECT_LE(max_error(sum, expected), count * (sums + unit) * 4.0 + unit * max_abs(expected));
  };
  expect_sum(ours.gains.query_gain, query.grad(), c.full ? c.tokens : c.tokens * heads);
  expect_sum(ours.gains.key_gain, key.grad(), c.full ? c.tokens : c.tokens * kv_heads);
  if (c.value) expect_sum(ours.gains.value_gain, value.grad(), c.tokens * kv_heads);
  const int64_t kept = (heads + kv_heads + (c.value ? kv_heads : 0)) * dim;
  EXPECT_TRUE(ours.raw_NV.equal(in.qkv_NW.narrow(1, 0, kept)));
}

TEST_P(QkvNormKernel, HasTheBitsOfNormsAndARotationOfTheirOwn) {
  const Case c = GetParam();
  const Inputs in(c);
  const Results ours = computed(c, in);
  expect_equal(ours, computed(c, in, true));
  Inputs still = in;  // nothing turns at position 0
  still.positions_N = at::zeros_like(in.positions_N);
  kernels::store_rotated_back(still.grad_NW, parts_of(c, still.grad_NW, false), in.rotation());
  Results apart = computed(c, still);
  kernels::rotate(apart.normed_NW, c.shape.heads + c.shape.kv_heads, in.rotation(), false);
  expect_equal(ours, apart);
}

TEST_P(QkvNormKernel, BitsDoNotDependOnThreads) {
  const Inputs in(GetParam());
  expect_same_bits_on_all_threads([&] { return computed(GetParam(), in).all(); });
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const at::ScalarType dtype : kStorageTypes) {
    for (const bool full : {false, true}) {
      for (const bool value : {false, true}) {
        for (const int64_t dim : {6, 16}) {
          all.push_back({.dtype = dtype, .full = full, .value = value, .shape = {6, 2, dim}});
        }
      }
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Table, QkvNormKernel, testing::ValuesIn(cases()));

}  // namespace
}  // namespace strata::test
