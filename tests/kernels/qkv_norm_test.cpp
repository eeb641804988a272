// Norms on queries, keys and values against their equation in plain ATen, fp64, under autograd.
#include "strata/kernels/qkv_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
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
    norm = {.shape = c.shape,
            .eps = 1e-5,
            .query_gain = gain(c.full ? heads * dim : dim, 3),
            .key_gain = gain(c.full ? kv_heads * dim : dim, 4),
            .value_gain = c.value ? gain(dim, 5) : at::Tensor()};
  }

  at::Tensor qkv_NW, grad_NW;
  kernels::QkvNorm norm;
};

struct Results {
  at::Tensor normed_NW, raw_NV, grad_NW;
  kernels::QkvNormGradients gains;

  std::vector<at::Tensor> all() const {
    std::vector<at::Tensor> all{normed_NW, raw_NV, grad_NW, gains.query_gain, gains.key_gain};
    if (gains.value_gain.defined()) all.push_back(gains.value_gain);
    return all;
  }
};

Results computed(const Case& c, const Inputs& in) {
  const auto zeros_for = [](const at::Tensor& gain) { return gain.defined() ? at::zeros_like(gain) : at::Tensor(); };
  Results r{.normed_NW = in.qkv_NW.clone(),
            .raw_NV = at::empty({c.tokens, kernels::qkv_normed_width(in.norm)}, c.dtype),
            .grad_NW = in.grad_NW.clone(),
            .gains = {zeros_for(in.norm.query_gain), zeros_for(in.norm.key_gain), zeros_for(in.norm.value_gain)}};
  kernels::qkv_norm_forward(r.normed_NW, r.raw_NV, in.norm);
  kernels::qkv_norm_backward(r.grad_NW, r.raw_NV, in.norm, r.gains,
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

class QkvNormKernel : public testing::TestWithParam<Case> {};

TEST_P(QkvNormKernel, EqualsItsEquation) {
  const Case c = GetParam();
  const Inputs in(c);
  const Results ours = computed(c, in);
  const auto [heads, kv_heads, dim] = c.shape;
  const at::Tensor qkv = leaf(in.qkv_NW), query = leaf(in.norm.query_gain), key = leaf(in.norm.key_gain);
  const at::Tensor value = c.value ? leaf(in.norm.value_gain) : at::Tensor();
  const std::vector<at::Tensor> parts = qkv.split_with_sizes({heads * dim, kv_heads * dim, kv_heads * dim}, 1);
  const at::Tensor exact =
      at::cat({normed(c, parts[0], query), normed(c, parts[1], key), normed(c, parts[2], value)}, 1);
  exact.backward(wide(in.grad_NW));

  const double unit = unit_of(c.dtype), sums = 3.0 * sum_error(c.full ? heads * dim : dim);
  EXPECT_LE(max_error(ours.normed_NW, exact), (4.0 * unit + sums) * max_abs(exact));
  EXPECT_LE(max_error(ours.grad_NW, qkv.grad()), (5.0 * unit + 2.0 * sums) * 8.0);
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
