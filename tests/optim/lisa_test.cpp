// LISA's draws: what they depend on, and that they are as often what they should be. Fair draws would exceed one of the
// bounds in less than one of 10^3 such suites; seeds are fixed, so that nothing here is a matter of chance.
#include "strata/optim/lisa.h"

#include <cmath>
#include <functional>
#include <random>

#include "strata/base/check.h"

namespace strata::optim {
namespace {

using Layers = std::vector<int64_t>;
using Draw = std::function<Layers(int64_t period)>;

constexpr int64_t kPeriods = 2000;
constexpr int64_t kSeeds = 5;

struct Case {
  int64_t count;   // K
  int64_t layers;  // L
};
constexpr Case kCases[] = {{1, 4}, {2, 4}, {4, 12}, {4, 24}, {23, 24}};

LisaDraws draws_of(const Case& one, int64_t seed, std::vector<double> weights = {}) {
  weights.resize(static_cast<size_t>(one.layers), 1.0);
  return {{.layers = one.count, .seed = seed}, 0, std::move(weights)};
}

// How often layer i (on the diagonal) and both of the layers i and j were drawn: [L * L].
std::vector<int64_t> counts_of(const Draw& draw, int64_t layers) {
  std::vector<int64_t> counts(static_cast<size_t>(layers * layers));
  for (int64_t period = 0; period < kPeriods; ++period) {
    const Layers drawn = draw(period);
    for (const int64_t i : drawn) {
      for (const int64_t j : drawn) ++counts[static_cast<size_t>(i * layers + j)];
    }
  }
  return counts;
}

// By how many standard deviations a count of Binomial(n, p) lies off its mean.
double deviation(int64_t count, int64_t n, double p) {
  const auto trials = static_cast<double>(n);
  return std::abs(static_cast<double>(count) - trials * p) / std::sqrt(trials * p * (1.0 - p));
}

// There are some 4,000 counts. The heaviest tail is that of the rarest pairs, which 43 draws are expected to have:
// beyond 6 standard deviations lies 4e-8 of it.
constexpr double kDeviations = 6.0;

struct Deviations {
  double of_layers = 0.0, of_pairs = 0.0;  // the largest
  double chi_square = 0.0;                 // of the layers
};

// Periods are independent, so that the count of a layer is Binomial(n, p), p = K / L, that of a pair Binomial(n, p2),
// p2 = p (K - 1) / (L - 1). The L counts are exchangeable and add up to n K, hence each two have the covariance
// -n p (1 - p) / (L - 1), and (L - 1) / L times the sum of squared deviations is chi-square with L - 1 degrees.
Deviations deviations_of(const Draw& draw, const Case& one) {
  const auto [count, layers] = one;
  const std::vector<int64_t> counts = counts_of(draw, layers);
  const double p = static_cast<double>(count) / static_cast<double>(layers);
  const double p2 = layers > 1 ? p * static_cast<double>(count - 1) / static_cast<double>(layers - 1) : 0.0;
  Deviations found;
  for (int64_t i = 0; i < layers; ++i) {
    const double of_layer = deviation(counts[static_cast<size_t>(i * layers + i)], kPeriods, p);
    found.of_layers = std::max(found.of_layers, of_layer);
    found.chi_square += of_layer * of_layer * static_cast<double>(layers - 1) / static_cast<double>(layers);
    for (int64_t j = i + 1; j < layers && count > 1; ++j) {
      found.of_pairs = std::max(found.of_pairs, deviation(counts[static_cast<size_t>(i * layers + j)], kPeriods, p2));
    }
  }
  return found;
}

// Laurent and Massart (2000): chi-square with k degrees exceeds k + 2 sqrt(k x) + 2 x, and is less than k - 2 sqrt(k
// x), with probability e^-x at most; x = 12: 6e-6.
struct ChiSquareBounds {
  explicit ChiSquareBounds(int64_t degrees)
      : low(static_cast<double>(degrees) - 2.0 * std::sqrt(12.0 * static_cast<double>(degrees))),
        high(static_cast<double>(degrees) + 2.0 * std::sqrt(12.0 * static_cast<double>(degrees)) + 24.0) {}
  double low, high;
};

TEST(LisaDraws, AreAFunctionOfSeedAndPeriod) {
  for (const Case& one : kCases) {
    const LisaDraws first = draws_of(one, 7), second = draws_of(one, 7);
    for (int64_t period = 0; period < 50; ++period) {
      const Layers forward = first.layers_of(period);
      EXPECT_EQ(second.layers_of(49 - period), first.layers_of(49 - period));
      EXPECT_EQ(first.layers_of(period), forward);
    }
  }
}

TEST(LisaDraws, AreOfLisaSeedAndWithoutOneOfRunSeed) {
  const auto drawn = [](int64_t lisa_seed, uint64_t run_seed) {
    const LisaDraws draws({.layers = 4, .seed = lisa_seed}, run_seed, std::vector<double>(24, 1.0));
    Layers all;
    for (int64_t period = 0; period < 8; ++period) std::ranges::copy(draws.layers_of(period), std::back_inserter(all));
    return all;
  };
  EXPECT_EQ(drawn(-1, 42), drawn(42, 1));
  EXPECT_EQ(drawn(3, 42), drawn(3, 1));
  EXPECT_EQ(drawn(0, 42), drawn(0, 1));
  EXPECT_NE(drawn(-1, 42), drawn(-1, 43));
  EXPECT_NE(drawn(0, 42), drawn(-1, 42));
}

TEST(LisaDraws, AreOfDistinctRisingLayers) {
  for (const Case& one : kCases) {
    const LisaDraws draws = draws_of(one, 1, {1e-12, 1e12});
    for (int64_t period = 0; period < kPeriods; ++period) {
      const Layers layers = draws.layers_of(period);
      ASSERT_EQ(std::ssize(layers), one.count);
      ASSERT_EQ(std::ranges::adjacent_find(layers, std::greater_equal()), layers.end());
      ASSERT_GE(layers.front(), 0);
      ASSERT_LT(layers.back(), one.layers);
    }
  }
}

// A checkpoint is only good as long as the same seed draws the same layers.
TEST(LisaDraws, StayWhatTheyAre) {
  const LisaDraws draws = draws_of({4, 24}, 42);
  EXPECT_EQ(draws.layers_of(0), (Layers{4, 15, 22, 23}));
  EXPECT_EQ(draws.layers_of(1), (Layers{10, 17, 19, 20}));
  EXPECT_EQ(draws.layers_of(1'000'000'000'000), (Layers{10, 15, 16, 18}));
}

TEST(LisaDraws, ComeAsOftenAsTheyShould) {
  for (const Case& one : kCases) {
    double chi_square = 0.0;
    for (int64_t seed = 0; seed < kSeeds; ++seed) {
      const LisaDraws draws = draws_of(one, seed);
      const Deviations found = deviations_of([&](int64_t period) { return draws.layers_of(period); }, one);
      EXPECT_LT(found.of_layers, kDeviations) << one.count << " of " << one.layers << ", seed " << seed;
      EXPECT_LT(found.of_pairs, kDeviations) << one.count << " of " << one.layers << ", seed " << seed;
      chi_square += found.chi_square;
    }
    const ChiSquareBounds bounds(kSeeds * (one.layers - 1));
    EXPECT_LT(chi_square, bounds.high) << one.count << " of " << one.layers;
    EXPECT_GT(chi_square, bounds.low) << one.count << " of " << one.layers;
    RecordProperty(str("chi_square_", one.count, "_of_", one.layers),
                   str(chi_square, " of ", bounds.low, " to ", bounds.high));
  }
}

// Whether a layer is drawn says nothing of the next period: both in a pair of periods have probability p^2.
TEST(LisaDraws, KnowNothingOfThePeriodBefore) {
  for (const Case& one : kCases) {
    const LisaDraws draws = draws_of(one, 11);
    const double p = static_cast<double>(one.count) / static_cast<double>(one.layers);
    std::vector<int64_t> again(static_cast<size_t>(one.layers));
    for (int64_t period = 0; period < 2 * kPeriods; period += 2) {
      const Layers now = draws.layers_of(period);
      for (const int64_t layer : draws.layers_of(period + 1)) {
        if (std::ranges::binary_search(now, layer)) ++again[static_cast<size_t>(layer)];
      }
    }
    for (const int64_t count : again) EXPECT_LT(deviation(count, kPeriods, p * p), kDeviations);
  }
}

// The bounds tell what is not fair: where one layer is likelier, always the same layers, layers drawn with replacement
// where the next one up takes the place of one that is there already, and layers that come in turn, all too evenly.
TEST(LisaDraws, WouldBeFoundIfTheyWereBiased) {
  const Case one{8, 16};
  const LisaDraws heavy = draws_of({1, 4}, 5, {1.5});
  EXPECT_GT(deviations_of([&](int64_t period) { return heavy.layers_of(period); }, {1, 4}).of_layers, kDeviations);
  const Draw first = [](int64_t) { return Layers{0, 1, 2, 3, 4, 5, 6, 7}; };
  EXPECT_GT(deviations_of(first, one).of_layers, kDeviations);
  EXPECT_GT(deviations_of(first, one).chi_square, ChiSquareBounds(15).high);

  std::mt19937_64 random(3);
  const Draw probing = [&](int64_t) {
    std::vector<bool> taken(16);
    for (int i = 0; i < 8; ++i) {
      size_t layer = random() % 16;
      while (taken[layer]) layer = (layer + 1) % 16;
      taken[layer] = true;
    }
    Layers layers;
    for (size_t i = 0; i < 16; ++i) {
      if (taken[i]) layers.push_back(static_cast<int64_t>(i));
    }
    return layers;
  };
  const Deviations probed = deviations_of(probing, one);
  EXPECT_LT(probed.of_layers, kDeviations);
  EXPECT_GT(probed.of_pairs, kDeviations);

  double in_turn = 0.0;
  for (int64_t seed = 0; seed < kSeeds; ++seed) {
    in_turn += deviations_of([&](int64_t period) { return Layers{(period + seed) % 24}; }, {1, 24}).chi_square;
  }
  EXPECT_LT(in_turn, ChiSquareBounds(kSeeds * 23).low);
}

// Pearson's statistic of some counts with these probabilities, which add up to 1.
double chi_square(const std::vector<int64_t>& counts, const std::vector<double>& probabilities) {
  double sum = 0.0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const double expected = static_cast<double>(kPeriods) * probabilities[i];
    sum += std::pow(static_cast<double>(counts[i]) - expected, 2.0) / expected;
  }
  return sum;
}

TEST(WeightedDraws, OfOneLayerGoByItsWeight) {
  const std::vector<double> weights{1.0, 2.0, 3.0, 4.0, 10.0, 0.5},
      share{1 / 20.5, 2 / 20.5, 3 / 20.5, 4 / 20.5, 10 / 20.5, 0.5 / 20.5};
  for (int64_t seed = 0; seed < kSeeds; ++seed) {
    const LisaDraws draws = draws_of({1, 6}, seed, weights);
    std::vector<int64_t> counts(6);
    for (int64_t period = 0; period < kPeriods; ++period) ++counts[static_cast<size_t>(draws.layers_of(period)[0])];
    EXPECT_LT(chi_square(counts, share), ChiSquareBounds(5).high) << "seed " << seed;
    EXPECT_GT(chi_square(counts, std::vector<double>(6, 1.0 / 6.0)), ChiSquareBounds(5).high);
    RecordProperty(str("chi_square_seed_", seed), str(chi_square(counts, share)));
  }
}

// First one by its weight, then another by its weight among those that are left.
TEST(WeightedDraws, OfTwoLayersAreWithoutReplacement) {
  const std::vector<double> weights{1.0, 2.0, 3.0, 6.0};
  const LisaDraws draws = draws_of({2, 4}, 9, weights);
  std::vector<int64_t> counts;
  std::vector<double> probabilities;
  for (int64_t i = 0; i < 4; ++i) {
    for (int64_t j = i + 1; j < 4; ++j) {
      const double one = weights[static_cast<size_t>(i)], other = weights[static_cast<size_t>(j)];
      probabilities.push_back(one / 12.0 * other / (12.0 - one) + other / 12.0 * one / (12.0 - other));
      counts.push_back(0);
      for (int64_t period = 0; period < kPeriods; ++period) counts.back() += draws.layers_of(period) == Layers{i, j};
    }
  }
  EXPECT_LT(chi_square(counts, probabilities), ChiSquareBounds(5).high);
  RecordProperty("chi_square", str(chi_square(counts, probabilities)));
}

TEST(WeightedDraws, OfEqualWeightsAreTheUniformOnes) {
  const LisaDraws uniform = draws_of({4, 12}, 3), heavy = draws_of({4, 12}, 3, std::vector<double>(12, 8.0));
  for (int64_t period = 0; period < 100; ++period) EXPECT_EQ(heavy.layers_of(period), uniform.layers_of(period));
}

}  // namespace
}  // namespace strata::optim
