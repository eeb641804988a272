#include "strata/study/statistics.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

namespace strata::study {
namespace {

constexpr double kArm[] = {3.1415, 3.2010, 3.1102, 3.1777, 3.1590};
constexpr double kBaseline[] = {3.1809, 3.2141, 3.1560, 3.1803, 3.2055};

// Right values: scipy 1.15 (ttest_rel, ttest_1samp, nct solved with brentq) and statsmodels 0.14 (multipletests,
// TTestPower.solve_power for numbers of pairs).
TEST(Statistics, AreThoseOfScipy) {
  const PairedTest test = paired_test(kArm, kBaseline);
  EXPECT_NEAR(test.differences.mean, -0.02947999999999995, 1e-12);
  EXPECT_NEAR(test.differences.sd, 0.02028095165420014, 1e-12);
  EXPECT_NEAR(test.differences.standard_error, 0.009069917309435665, 1e-12);
  EXPECT_NEAR(test.p, 0.0313666825867414, 1e-12);
  EXPECT_NEAR(test.low, -0.05466212751833134, 1e-12);
  EXPECT_NEAR(test.high, -0.004297872481668564, 1e-12);
  EXPECT_NEAR(p_below(kArm, 3.2), 0.026487391255509373, 1e-12);
}

TEST(Statistics, HolmIsThatOfStatsmodels) {
  EXPECT_THAT(holm(std::vector{0.01, 0.04, 0.03, 0.005, 0.8}),
              testing::Pointwise(testing::DoubleNear(1e-12), {0.04, 0.09, 0.09, 0.025, 0.8}));
  EXPECT_THAT(holm(std::vector<double>{}), testing::IsEmpty());
}

TEST(Statistics, PowerIsThatOfTheNoncentralT) {
  const double sd = paired_test(kArm, kBaseline).differences.sd;
  EXPECT_NEAR(power_of(0.03, sd, 5), 0.6993536710748732, 1e-10);
  EXPECT_NEAR(power_of(0.5, sd, 2), 0.9937718289697185, 1e-10);
  EXPECT_NEAR(power_of(0.01, sd, 12), 0.3447722434110444, 1e-10);
  EXPECT_NEAR(power_of(-0.005, sd, 40), 0.33055710082063455, 1e-10);
  EXPECT_NEAR(power_of(0.0, sd, 3), 0.05, 1e-10);
  EXPECT_NEAR(smallest_difference(sd, 2), 0.23424272897953569, 1e-12);
  EXPECT_NEAR(smallest_difference(sd, 3), 0.06619790942866081, 1e-12);
  EXPECT_NEAR(smallest_difference(sd, 5), 0.034112499149055925, 1e-12);
  EXPECT_NEAR(smallest_difference(sd, 30), 0.01073340192378667, 1e-12);
  EXPECT_EQ(pairs_for(0.03, sd), 6);      // 5.78
  EXPECT_EQ(pairs_for(0.01, sd), 35);     // 34.25
  EXPECT_EQ(pairs_for(-0.005, sd), 132);  // 131.07
  constexpr double kOfFifteen = kLevel / 15.0;
  EXPECT_NEAR(power_of(0.03, sd, 5, kOfFifteen), 0.13601646925573907, 1e-10);
  EXPECT_NEAR(power_of(0.01, sd, 40, kOfFifteen), 0.5046382696351841, 1e-10);
  EXPECT_NEAR(smallest_difference(sd, 5, kOfFifteen), 0.07110016150267248, 1e-12);
  EXPECT_EQ(pairs_for(0.03, sd, kOfFifteen), 11);
  EXPECT_EQ(pairs_for(0.01, sd, kOfFifteen), 63);
}

// Numbers of which nothing can be said say nothing.
TEST(Statistics, OfTooFewAndOfEqualNumbers) {
  const double one[] = {3.0}, same[] = {2.0, 2.5, 3.0}, shifted[] = {2.5, 3.0, 3.5};
  EXPECT_TRUE(std::isnan(summarise({}).mean));
  EXPECT_EQ(summarise(one).mean, 3.0);
  EXPECT_TRUE(std::isnan(summarise(one).sd));
  EXPECT_EQ(paired_test(one, one).p, 1.0);
  EXPECT_TRUE(std::isnan(paired_test(one, one).low));
  EXPECT_EQ(paired_test(same, same).p, 1.0);
  EXPECT_EQ(paired_test(shifted, same).p, 0.0);
  EXPECT_EQ(p_below(one, 5.0), 1.0);
  EXPECT_TRUE(std::isnan(smallest_difference(0.1, 1)));
  EXPECT_EQ(pairs_for(0.0, 0.1), kMostPairs);
  EXPECT_EQ(power_of(1e6, 1e-3, 5), 1.0);
  EXPECT_NEAR(power_of(400.0, 1.0, 2), 1.0, 1e-6);  // just below where no series is needed
}

// What a study of A against A may find: nothing, but for one in twenty. 2,000 studies of four arms that are one, five
// seeds each, whose losses have what seeds and what the rest of chance make of them. The bound is 3.5 standard
// deviations of a binomial of 2,000 at 0.05.
TEST(Statistics, FindsNothingWhereThereIsNothing) {
  constexpr int kStudies = 2000, kArms = 4, kSeeds = 5;
  std::mt19937_64 random(20261129);
  std::normal_distribution<double> of_seed(3.0, 0.05), rest(0.0, 0.01);
  int false_verdicts = 0;
  for (int study = 0; study < kStudies; ++study) {
    std::vector<std::vector<double>> losses(kArms);
    for (int seed = 0; seed < kSeeds; ++seed) {
      const double shared = of_seed(random);
      for (auto& arm : losses) arm.push_back(shared + rest(random));
    }
    std::vector<double> p_values;
    for (int arm = 1; arm < kArms; ++arm) p_values.push_back(paired_test(losses[arm], losses[0]).p);
    const std::vector<double> adjusted = holm(p_values);
    false_verdicts += std::ranges::min(adjusted) <= kLevel ? 1 : 0;
  }
  EXPECT_LE(false_verdicts, 100 + 3.5 * std::sqrt(kStudies * 0.05 * 0.95));
  EXPECT_GE(false_verdicts, 20);  // and it is no test that never finds anything
}

// And where there is a difference of two standard deviations of pairs, it finds it as often as power_of says.
TEST(Statistics, FindsWhatIsThereAsOftenAsItsPowerSays) {
  constexpr int kStudies = 2000, kSeeds = 5;
  std::mt19937_64 random(7);
  std::normal_distribution<double> difference(0.02, 0.01);
  int found = 0;
  const std::vector<double> baseline(kSeeds, 3.0);
  for (int study = 0; study < kStudies; ++study) {
    std::vector<double> losses;
    for (int seed = 0; seed < kSeeds; ++seed) losses.push_back(3.0 + difference(random));
    found += paired_test(losses, baseline).p <= kLevel ? 1 : 0;
  }
  EXPECT_NEAR(found / static_cast<double>(kStudies), power_of(0.02, 0.01, kSeeds), 0.04);
}

}  // namespace
}  // namespace strata::study
