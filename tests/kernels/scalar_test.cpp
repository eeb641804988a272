// The elementary functions that all kernel bodies are made of.
#include "kernels/scalar.inl"

#include <c10/util/BFloat16.h>

#include <cmath>
#include <limits>
#include <random>

#include "ops.h"

namespace strata::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

float from_bits(uint32_t bits) { return std::bit_cast<float>(bits); }

// In units in the last place of the exact result.
double ulps(float value, double exact) {
  int exponent = 0;
  std::frexp(exact, &exponent);
  return std::abs(static_cast<double>(value) - exact) / std::ldexp(1.0, exponent - 24);
}

// Every 257th float from first to last, of one sign.
template <class F, class Exact>
void expect_within_two_ulp(F f, Exact exact, float first, float last) {
  double worst = 0.0;
  float where = 0.0F;
  for (uint32_t bits = std::bit_cast<uint32_t>(first); bits <= std::bit_cast<uint32_t>(last); bits += 257) {
    const float x = from_bits(bits);
    const double error = ulps(f(x), exact(static_cast<double>(x)));
    if (error > worst) {
      worst = error;
      where = x;
    }
  }
  EXPECT_LT(worst, 2.0) << "at " << where;
}

// Where the result is a normal number.
TEST(Exponential, IsWithinTwoUlp) {
  const auto exact = [](double x) { return std::exp(x); };
  expect_within_two_ulp(exponential, exact, 0x1p-30F, 88.72283F);
  expect_within_two_ulp(exponential, exact, -0x1p-30F, -86.98F);
}

TEST(HyperbolicTangent, IsWithinTwoUlpAndKeepsNan) {
  for (const float sign : {1.0F, -1.0F}) {
    expect_within_two_ulp(
        hyperbolic_tangent, [](double x) { return std::tanh(x); }, sign * 0x1p-30F, sign * 100.0F);
    EXPECT_EQ(hyperbolic_tangent(sign * kInfinity), sign);
  }
  EXPECT_EQ(hyperbolic_tangent(0.0F), 0.0F);
  EXPECT_TRUE(std::isnan(hyperbolic_tangent(kNan)));
}

TEST(ErrorFunction, IsWithinTwoUlpAndKeepsNan) {
  for (const float sign : {1.0F, -1.0F}) {
    expect_within_two_ulp(
        error_function, [](double x) { return std::erf(x); }, sign * 0x1p-30F, sign * 10.0F);
    EXPECT_EQ(error_function(sign * kInfinity), sign);
  }
  EXPECT_EQ(error_function(0.0F), 0.0F);
  EXPECT_TRUE(std::isnan(error_function(kNan)));
}

TEST(Exponential, AtTheEndsOfItsRange) {
  EXPECT_EQ(exponential(0.0F), 1.0F);
  EXPECT_EQ(exponential(-0.0F), 1.0F);
  EXPECT_EQ(exponential(kInfinity), kInfinity);
  EXPECT_EQ(exponential(89.0F), kInfinity);
  EXPECT_EQ(exponential(3e38F), kInfinity);
  EXPECT_LT(ulps(exponential(88.7228F), std::exp(static_cast<double>(88.7228F))), 2.0);
  EXPECT_EQ(exponential(-kInfinity), 0.0F);
  EXPECT_EQ(exponential(-87.0F), 0.0F);
  EXPECT_EQ(exponential(-3e38F), 0.0F);
  EXPECT_TRUE(std::isnan(exponential(kNan)));
  EXPECT_TRUE(std::isnan(exponential(-kNan)));
}

TEST(Sigmoid, IsFiniteEverywhereAndKeepsNan) {
  EXPECT_EQ(sigmoid(0.0F), 0.5F);
  EXPECT_EQ(sigmoid(kInfinity), 1.0F);
  EXPECT_EQ(sigmoid(200.0F), 1.0F);
  EXPECT_EQ(sigmoid(-kInfinity), 0.0F);
  EXPECT_EQ(sigmoid(-200.0F), 0.0F);
  EXPECT_TRUE(std::isnan(sigmoid(kNan)));
  for (float x = -20.0F; x < 20.0F; x += 0.37F) {
    // The exponential's two ulp, the sum's and the quotient's roundings.
    EXPECT_LT(ulps(sigmoid(x), 1.0 / (1.0 + std::exp(-static_cast<double>(x)))), 4.0) << x;
  }
}

void expect_rounded_as_torch_does(float value) {
  const uint16_t ours = narrow<Bf16>(value).bits;
  if (value != value) {
    EXPECT_TRUE(std::isnan(widen(Bf16{ours})));
  } else {
    ASSERT_EQ(ours, c10::BFloat16(value).x) << value;
  }
}

TEST(Bf16, WidensEveryPatternAsTorchDoesAndBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const Bf16 ours{static_cast<uint16_t>(bits)};
    const float theirs = c10::BFloat16(static_cast<uint16_t>(bits), c10::BFloat16::from_bits());
    ASSERT_EQ(std::bit_cast<uint32_t>(widen(ours)), std::bit_cast<uint32_t>(theirs));
    if (widen(ours) == widen(ours)) {
      ASSERT_EQ(narrow<Bf16>(widen(ours)).bits, bits);
    }
  }
}

// Random bit patterns reach every exponent, infinities and NaNs; ties and their neighbours are made on purpose.
TEST(Bf16, RoundsAsTorchDoes) {
  std::mt19937 random(1);
  for (int i = 0; i < 1'000'000; ++i) expect_rounded_as_torch_does(from_bits(static_cast<uint32_t>(random())));
  for (uint32_t upper = 0; upper < 0x10000; ++upper) {
    for (const uint32_t lower : {0x7FFFU, 0x8000U, 0x8001U})
      expect_rounded_as_torch_does(from_bits(upper << 16 | lower));
  }
}

TEST(Bf16, NanStaysNan) {
  for (const uint32_t bits : {0x7F800001U, 0x7FFFFFFFU, 0xFF800001U, 0xFFFFFFFFU}) {
    EXPECT_TRUE(std::isnan(widen(narrow<Bf16>(from_bits(bits))))) << bits;
  }
}

}  // namespace
}  // namespace strata::kernels
