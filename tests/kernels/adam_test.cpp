// Adam over ranges of arenas, against its formula in fp64, and its stochastic rounding.
#include "strata/kernels/adam.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "kernels/rounding.inl"
#include "ops.h"

namespace strata::test {
namespace {

using kernels::AdamArrays;
using kernels::AdamUpdate;
using kernels::UpdateScale;

UpdateScale scale(double factor, double apply = 1.0) {
  return {.factor = at::full({}, factor, at::kDouble), .apply = at::full({}, apply, at::kDouble)};
}

// Constants that fp32 holds exactly: what differs from the formula is rounding of the arithmetic.
AdamUpdate exact_update(bool decoupled) {
  return {.rate = 0x1p-4,
          .beta1 = 0.875,
          .beta2 = 1.0 - 0x1p-8,
          .eps = 0x1p-20,
          .decay = 0.125,
          .decoupled = decoupled,
          .correction1 = 0.5,
          .correction2 = 0.25};
}

// Of one sign at each place, so that nothing cancels and errors stay relative.
AdamArrays arrays(int64_t size, at::ScalarType dtype) {
  const at::Tensor sign = uniform({size}, at::kDouble, 9, -1.0, 1.0).sign();
  const auto values = [&](uint64_t seed) { return (uniform({size}, at::kDouble, seed, 0.1, 2.0) * sign).to(dtype); };
  return {.value = values(1),
          .gradient = values(2),
          .m = values(3),
          .v = values(4).abs(),
          .copy = at::zeros({size}, at::kBFloat16)};
}

AdamArrays clone(const AdamArrays& from) {
  return {.value = from.value.clone(),
          .gradient = from.gradient.clone(),
          .m = from.m.clone(),
          .v = from.v.clone(),
          .copy = from.copy.defined() ? from.copy.clone() : at::Tensor()};
}

AdamArrays part(const AdamArrays& whole, int64_t begin, int64_t size) {
  const auto cut = [&](const at::Tensor& tensor) { return tensor.narrow(0, begin, size); };
  return {.value = cut(whole.value), .gradient = cut(whole.gradient), .m = cut(whole.m), .v = cut(whole.v)};
}

class AdamKernel : public testing::TestWithParam<at::ScalarType> {};

// At most 3 roundings in g', 6 in m, 10 in v and 9 in the denominator; the step has 20, the value one more.
TEST_P(AdamKernel, IsTheFormula) {
  constexpr double kFactor = 0.75;
  for (const bool decoupled : {false, true}) {
    const AdamUpdate u = exact_update(decoupled);
    const AdamArrays ours = arrays(40'000, GetParam());
    const at::Tensor p = wide(ours.value), g = kFactor * wide(ours.gradient) + (decoupled ? 0.0 : u.decay) * p;
    const at::Tensor m = u.beta1 * wide(ours.m) + (1.0 - u.beta1) * g;
    const at::Tensor v = u.beta2 * wide(ours.v) + (1.0 - u.beta2) * g * g;
    const at::Tensor moved = u.rate * (m / u.correction1) / ((v / u.correction2).sqrt() + u.eps);
    kernels::adam(ours, u, scale(kFactor));

    const double unit = unit_of(GetParam());
    EXPECT_LE(max_error(ours.m, m), max_abs(m) * (6.0 * kUnitFp32 + unit));
    EXPECT_LE(max_error(ours.v, v), max_abs(v) * (10.0 * kUnitFp32 + unit));
    const at::Tensor value = (decoupled ? 1.0 - u.rate * u.decay : 1.0) * p - moved;
    EXPECT_LE(max_error(ours.value, value),
              max_abs(moved) * 20.0 * kUnitFp32 + max_abs(p) * 2.0 * kUnitFp32 + max_abs(value) * unit);
    EXPECT_TRUE(at::equal(ours.copy, ours.value.to(at::kBFloat16)));
  }
}

// The usual betas, which fp32 does not hold: from moments of nought, m and v are the gradient's share alone.
TEST(AdamBetas, LeaveTheGradientItsExactShare) {
  AdamUpdate update = exact_update(true);
  update.beta1 = 0.9;
  update.beta2 = 0.999;
  const AdamArrays ours = arrays(1000, at::kFloat);
  ours.m.zero_();
  ours.v.zero_();
  kernels::adam(ours, update, scale(1.0));
  const at::Tensor g = wide(ours.gradient);
  EXPECT_LE(max_error(ours.m, 0.1 * g), max_abs(0.1 * g) * 3.0 * kUnitFp32);
  EXPECT_LE(max_error(ours.v, 0.001 * g * g), max_abs(0.001 * g * g) * 4.0 * kUnitFp32);
}

TEST_P(AdamKernel, ChangesNothingWhereItIsNotToBeApplied) {
  const AdamArrays ours = arrays(1000, GetParam());
  ours.gradient.fill_(std::nan(""));
  const AdamArrays before = clone(ours);
  kernels::adam(ours, exact_update(false), scale(std::nan(""), 0.0));
  EXPECT_TRUE(at::equal(ours.value, before.value));
  EXPECT_TRUE(at::equal(ours.m, before.m));
  EXPECT_TRUE(at::equal(ours.v, before.v));
  EXPECT_TRUE(at::equal(ours.copy, before.copy));
}

// However the arena is cut and whoever computes it.
TEST_P(AdamKernel, BitsDependOnThePlaceInTheArenaAlone) {
  for (const bool stochastic : {false, true}) {
    AdamUpdate update = exact_update(false);
    update.chance.stochastic = stochastic;
    update.chance.random_key = 77;
    const AdamArrays whole = arrays(50'000, GetParam()), cut = clone(whole);
    expect_same_bits_on_all_threads([&] {
      const AdamArrays again = clone(whole);
      kernels::adam(again, update, scale(1.0));
      return std::vector<at::Tensor>{again.value, again.m, again.v};
    });
    kernels::adam(whole, update, scale(1.0));
    for (int64_t begin = 0; begin < 50'000; begin += 12'500) {
      update.chance.first = begin;
      kernels::adam(part(cut, begin, 12'500), update, scale(1.0));
    }
    EXPECT_TRUE(at::equal(cut.value, whole.value));
    EXPECT_TRUE(at::equal(cut.m, whole.m));
    EXPECT_TRUE(at::equal(cut.v, whole.v));
  }
}

INSTANTIATE_TEST_SUITE_P(Table, AdamKernel, testing::ValuesIn(kStorageTypes),
                         [](const auto& info) { return name_of(info.param); });

TEST(StochasticRounding, IsForBf16Alone) {
  AdamUpdate update = exact_update(false);
  const AdamArrays nearest = arrays(1000, at::kFloat), by_chance = clone(nearest);
  kernels::adam(nearest, update, scale(1.0));
  update.chance.stochastic = true;
  kernels::adam(by_chance, update, scale(1.0));
  EXPECT_TRUE(at::equal(by_chance.value, nearest.value));
  EXPECT_TRUE(at::equal(by_chance.v, nearest.v));
}

// v of 1 without a gradient, `steps` updates long.
at::Tensor decayed(bool stochastic, int64_t size, int64_t steps, uint64_t seed) {
  const auto filled = [&](double value) { return at::full({size}, value, at::kBFloat16); };
  const AdamArrays ours{.value = filled(1.0), .gradient = filled(0.0), .m = filled(0.0), .v = filled(1.0)};
  for (int64_t step = 0; step < steps; ++step) {
    const uint64_t key = seed * 1'000'003 + static_cast<uint64_t>(step) * 0x9E3779B97F4A7C15U;
    kernels::adam(ours, {.beta2 = 0.999, .chance = {.stochastic = stochastic, .random_key = key}}, scale(1.0));
  }
  return wide(ours.v);
}

// 0.999 is nearer to 1 than to the bf16 below it: to nearest it never decays. By chance, each step keeps the mean, with
// a deviation of at most half a unit in the last place of numbers up to 1, 2^-9; means of n of s steps deviate by
// 2^-9 sqrt(s / n), and by the rounding of 0.999 itself and of s products.
TEST(StochasticRounding, LetsTheSecondMomentDecay) {
  constexpr int64_t kSize = 1 << 14;
  EXPECT_EQ(decayed(false, 100, 50, 0).mean().item<double>(), 1.0);
  for (const int64_t steps : {1, 30, 1000}) {
    const auto s = static_cast<double>(steps);
    const double bound = 5.0 * 0x1p-9 * std::sqrt(s / static_cast<double>(kSize)) + 2.0 * s * kUnitFp32;
    EXPECT_NEAR(decayed(true, kSize, steps, 1).mean().item<double>(), std::pow(0.999, s), bound) << steps << " steps";
  }
}

// One element under many keys, and neighbours under one key: as many are rounded up as should be, the others down.
TEST(StochasticRounding, IsRightOnAverageOverKeysAndPlaces) {
  constexpr int64_t kKeys = 4000;
  constexpr double kUp = (0.999 - (1.0 - 0x1p-8)) * 0x1p8;
  const double bound = 5.0 * std::sqrt(kUp * (1.0 - kUp) / kKeys);
  double ups = 0.0;
  for (uint64_t key = 0; key < kKeys; ++key) ups += decayed(true, 1, 1, key)[0].item<double>() == 1.0 ? 1.0 : 0.0;
  EXPECT_NEAR(ups / kKeys, kUp, bound);
  const at::Tensor neighbours = decayed(true, kKeys, 1, 7) == 1.0;
  EXPECT_NEAR(neighbours.to(at::kDouble).mean().item<double>(), kUp, bound);
  // Those that follow one that was rounded up are rounded up no more often than others.
  const at::Tensor both = neighbours.narrow(0, 0, kKeys - 1).logical_and(neighbours.narrow(0, 1, kKeys - 1));
  EXPECT_NEAR(both.to(at::kDouble).mean().item<double>(), kUp * kUp, 10.0 * std::sqrt(kUp * kUp / kKeys));
}

TEST(StochasticRounding, KeepsWhatBf16HoldsAndWhatIsNoNumber) {
  const auto after = [](double value) {
    const auto filled = [](double number) { return at::full({64}, number, at::kBFloat16); };
    const AdamArrays ours{.value = filled(value), .gradient = filled(0.0), .m = filled(0.0), .v = filled(0.0)};
    kernels::adam(ours, {.chance = {.stochastic = true, .random_key = 5}}, scale(1.0));
    return ours.value;
  };
  for (const double value : {0.0, -1.5, 0x1p-133, 3.0e38}) {
    EXPECT_TRUE(at::equal(after(value), at::full({64}, value, at::kBFloat16))) << value;
  }
  EXPECT_EQ(after(std::nan("")).isnan().sum().item<int64_t>(), 64);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(kernels::widen(kernels::narrow_by_chance(-kInfinity, ~0U)), -kInfinity);
}

}  // namespace
}  // namespace strata::test
