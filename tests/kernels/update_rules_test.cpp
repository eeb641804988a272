// AdEMAMix, Lion and what Muon does beside products, against their formulas in fp64.
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/sign.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "ops.h"
#include "strata/kernels/ademamix.h"
#include "strata/kernels/lion.h"
#include "strata/kernels/muon.h"

namespace strata::test {
namespace {

using kernels::UpdateScale;

constexpr int64_t kSize = 40'000;
constexpr double kFactor = 0.75;

UpdateScale scale(double factor, double apply = 1.0) {
  return {.factor = at::full({}, factor, at::kDouble), .apply = at::full({}, apply, at::kDouble)};
}

// Of one sign at each place, so that nothing cancels and errors stay relative.
at::Tensor values(uint64_t seed, at::ScalarType dtype) {
  const at::Tensor sign = uniform({kSize}, at::kDouble, 9, -1.0, 1.0).sign();
  return (uniform({kSize}, at::kDouble, seed, 0.1, 2.0) * sign).to(dtype);
}

// Each result within so many roundings in fp32, and one of its storage.
void expect_near(const at::Tensor& ours, const at::Tensor& formula, double roundings) {
  EXPECT_LE(max_error(ours, formula), max_abs(formula) * (roundings * kUnitFp32 + unit_of(ours.scalar_type())));
}

// As one array, as two from an odd place on, and on any number of threads: f(arrays).
void expect_same_bits_in_pieces(const std::vector<at::Tensor>& arrays,
                                const std::function<void(const std::vector<at::Tensor>&, int64_t first)>& f) {
  const auto clone = [&] {
    std::vector<at::Tensor> copies;
    for (const at::Tensor& array : arrays) copies.push_back(array.clone());
    return copies;
  };
  expect_same_bits_on_all_threads([&] {
    const auto again = clone();
    f(again, 0);
    return again;
  });
  const auto whole = clone(), cut = clone();
  f(whole, 0);
  for (const auto& [begin, size] : {std::pair{int64_t{0}, int64_t{12'345}}, {int64_t{12'345}, kSize - 12'345}}) {
    std::vector<at::Tensor> parts;
    for (const at::Tensor& array : cut) parts.push_back(array.narrow(0, begin, size));
    f(parts, begin);
  }
  for (size_t i = 0; i < whole.size(); ++i) EXPECT_TRUE(at::equal(cut[i], whole[i])) << i;
}

class UpdateRules : public testing::TestWithParam<at::ScalarType> {};

kernels::AdemamixUpdate ademamix_update() {
  return {.rate = 0x1p-4,
          .beta1 = 0.875,
          .beta2 = 1.0 - 0x1p-8,
          .beta3 = 1.0 - 0x1p-10,
          .alpha = 4.0,
          .eps = 0x1p-20,
          .decay = 0.125,
          .correction1 = 0.5,
          .correction2 = 0.25};
}

TEST_P(UpdateRules, OfAdemamixIsTheFormula) {
  const kernels::AdemamixUpdate u = ademamix_update();
  const kernels::AdemamixArrays ours{.value = values(1, GetParam()),
                                     .gradient = values(2, GetParam()),
                                     .m = values(3, GetParam()),
                                     .v = values(4, GetParam()).abs(),
                                     .s = values(5, GetParam()),
                                     .copy = at::zeros({kSize}, at::kBFloat16)};
  const at::Tensor p = wide(ours.value), g = kFactor * wide(ours.gradient);
  const at::Tensor m = u.beta1 * wide(ours.m) + (1.0 - u.beta1) * g;
  const at::Tensor v = u.beta2 * wide(ours.v) + (1.0 - u.beta2) * g * g;
  const at::Tensor s = u.beta3 * wide(ours.s) + (1.0 - u.beta3) * g;
  const at::Tensor moved = u.rate * (m / u.correction1 + u.alpha * s) / ((v / u.correction2).sqrt() + u.eps);
  kernels::ademamix(ours, u, scale(kFactor));
  expect_near(ours.m, m, 6.0);
  expect_near(ours.v, v, 10.0);
  expect_near(ours.s, s, 6.0);
  const at::Tensor value = (1.0 - u.rate * u.decay) * p - moved;
  EXPECT_LE(max_error(ours.value, value),
            max_abs(moved) * 30.0 * kUnitFp32 + max_abs(p) * 2.0 * kUnitFp32 + max_abs(value) * unit_of(GetParam()));
  EXPECT_TRUE(at::equal(ours.copy, ours.value.to(at::kBFloat16)));
}

TEST_P(UpdateRules, OfAdemamixGivesTheSameBitsInPieces) {
  for (const bool stochastic : {false, true}) {
    const std::vector<at::Tensor> arrays{values(1, GetParam()), values(2, GetParam()), values(3, GetParam()),
                                         values(4, GetParam()).abs(), values(5, GetParam())};
    expect_same_bits_in_pieces(arrays, [&](const std::vector<at::Tensor>& a, int64_t first) {
      kernels::AdemamixUpdate update = ademamix_update();
      update.chance = {.stochastic = stochastic, .random_key = 77, .first = first};
      kernels::ademamix({.value = a[0], .gradient = a[1], .m = a[2], .v = a[3], .s = a[4]}, update, scale(1.0));
    });
  }
}

kernels::LionUpdate lion_update() { return {.rate = 0x1p-4, .beta1 = 0.875, .beta2 = 1.0 - 0x1p-6, .decay = 0.125}; }

TEST_P(UpdateRules, OfLionIsTheFormula) {
  const kernels::LionUpdate u = lion_update();
  const kernels::LionArrays ours{.value = values(1, GetParam()),
                                 .gradient = values(2, GetParam()),
                                 .m = values(3, GetParam()),
                                 .copy = at::zeros({kSize}, at::kBFloat16)};
  ours.gradient.narrow(0, 0, kSize / 2).mul_(-1.0);  // against the mean
  ours.gradient.narrow(0, 0, 3).zero_();
  ours.m.narrow(0, 0, 3).zero_();
  const at::Tensor p = wide(ours.value), g = kFactor * wide(ours.gradient), m = wide(ours.m);
  const at::Tensor direction = at::sign(u.beta1 * m + (1.0 - u.beta1) * g);
  kernels::lion(ours, u, scale(kFactor));
  EXPECT_LE(max_error(ours.m, u.beta2 * m + (1.0 - u.beta2) * g), 2.0 * (4.0 * kUnitFp32 + unit_of(GetParam())));
  expect_near(ours.value, (1.0 - u.rate * u.decay) * p - u.rate * direction, 4.0);
  EXPECT_TRUE(at::equal(direction.narrow(0, 0, 3), at::zeros({3}, at::kDouble)));
  EXPECT_TRUE(at::equal(ours.copy, ours.value.to(at::kBFloat16)));
}

TEST_P(UpdateRules, OfLionGivesTheSameBitsInPieces) {
  for (const bool stochastic : {false, true}) {
    expect_same_bits_in_pieces({values(1, GetParam()), values(2, GetParam()), values(3, GetParam())},
                               [&](const std::vector<at::Tensor>& a, int64_t first) {
                                 kernels::LionUpdate update = lion_update();
                                 update.chance = {.stochastic = stochastic, .random_key = 77, .first = first};
                                 kernels::lion({.value = a[0], .gradient = a[1], .m = a[2]}, update, scale(1.0));
                               });
  }
}

TEST_P(UpdateRules, OfMuonsMomentumIsTheFormula) {
  for (const at::ScalarType out_type : kStorageTypes) {
    for (const bool nesterov : {true, false}) {
      const at::Tensor gradient = values(2, GetParam()), m = values(3, GetParam()), out = at::zeros({kSize}, out_type);
      const at::Tensor g = kFactor * wide(gradient), new_m = 0.875 * wide(m) + 0.125 * g;
      kernels::muon_momentum(out, gradient, m, {.momentum = 0.875, .nesterov = nesterov}, scale(kFactor));
      expect_near(m, new_m, 4.0);
      expect_near(out, nesterov ? 0.875 * new_m + 0.125 * g : new_m, 8.0);
    }
  }
}

TEST_P(UpdateRules, OfMuonsStepIsTheFormula) {
  for (const at::ScalarType in_type : kStorageTypes) {
    const at::Tensor value = values(1, GetParam()), orthogonal = -values(2, in_type);
    const at::Tensor copy = at::zeros({kSize}, at::kBFloat16);
    const at::Tensor expected = 0.75 * wide(value) - 0.0625 * wide(orthogonal);
    kernels::muon_step(value, copy, orthogonal, {.rate = 0.0625, .shrink = 0.75}, scale(1.0).apply);
    expect_near(value, expected, 4.0);
    EXPECT_TRUE(at::equal(copy, value.to(at::kBFloat16)));
  }
}

TEST_P(UpdateRules, OfMuonGiveTheSameBitsInPieces) {
  for (const bool stochastic : {false, true}) {
    expect_same_bits_in_pieces(
        {values(1, GetParam()), values(2, GetParam()), values(3, GetParam()), values(4, at::kFloat)},
        [&](const std::vector<at::Tensor>& a, int64_t first) {
          const kernels::UpdateChance chance{.stochastic = stochastic, .random_key = 77, .first = first};
          kernels::muon_momentum(a[3], a[1], a[2], {.chance = chance}, scale(1.0));
          kernels::muon_step(a[0], {}, a[3], {.rate = 0.1, .shrink = 0.9, .chance = chance}, scale(1.0).apply);
        });
  }
}

TEST_P(UpdateRules, ChangeNothingWhereTheyAreNotToBeApplied) {
  const auto nan = [&] { return at::full({100}, std::nan(""), GetParam()); };
  const at::Tensor value = values(1, GetParam()).narrow(0, 0, 100), m = values(2, GetParam()).narrow(0, 0, 100);
  const at::Tensor v = m.abs(), s = m.clone(), value_before = value.clone(), m_before = m.clone();
  const UpdateScale never = scale(std::nan(""), 0.0);
  kernels::ademamix({.value = value, .gradient = nan(), .m = m, .v = v, .s = s}, ademamix_update(), never);
  kernels::lion({.value = value, .gradient = nan(), .m = m}, lion_update(), never);
  kernels::muon_momentum(at::zeros({100}), nan(), m, {}, never);
  kernels::muon_step(value, {}, nan(), {.rate = 1.0}, never.apply);
  EXPECT_TRUE(at::equal(value, value_before));
  EXPECT_TRUE(at::equal(m, m_before));
  EXPECT_TRUE(at::equal(s, m_before));
}

TEST_P(UpdateRules, DivideByTheNorm) {
  const auto divided = [&](double square, const kernels::NormDivisor& divisor) {
    const at::Tensor x = values(1, GetParam()).narrow(0, 0, 1003).clone(), before = wide(x);
    kernels::divide_by_norm(x, at::full({1}, square, at::kDouble), divisor);
    return std::pair(x, before);
  };
  const auto [x, before] = divided(9.0, {.factor = 1.5, .floor = 1e-7, .added = 0.5});
  expect_near(x, before / 5.0, 2.0);
  const auto [small, small_before] = divided(1e-20, {.floor = 0.25});
  expect_near(small, small_before / 0.25, 2.0);
}

TEST_P(UpdateRules, MakeAPolynomialOfAMatrix) {
  for (const int64_t n : {1, 7, 32, 65}) {
    const at::Tensor gram = uniform({n, n}, GetParam(), 1, -1.0, 1.0),
                     squared = uniform({n, n}, GetParam(), 2, -1.0, 1.0);
    const at::Tensor expected = 3.0 * at::eye(n, at::kDouble) + -4.0 * wide(gram) + 2.0 * wide(squared);
    kernels::matrix_polynomial(squared, gram, {.a = 3.0, .b = -4.0, .c = 2.0});
    EXPECT_LE(max_error(squared, expected), 9.0 * (4.0 * kUnitFp32 + unit_of(GetParam())));
  }
}

INSTANTIATE_TEST_SUITE_P(Table, UpdateRules, testing::ValuesIn(kStorageTypes),
                         [](const auto& info) { return name_of(info.param); });

}  // namespace
}  // namespace strata::test
