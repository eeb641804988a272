#pragma once

#include <cstdint>
#include <span>
#include <vector>

/// What numbers of several seeds say, and how sure it is. Distributions are Boost.Math's.
namespace strata::study {

inline constexpr double kLevel = 0.05;  // of tests; intervals have 1 - kLevel
inline constexpr double kPower = 0.8;   // of the differences that a study could have shown

struct Summary {
  int64_t n = 0;
  double mean = 0.0;            // NaN of nothing, as the others are of fewer than two
  double sd = 0.0;              // with n - 1
  double standard_error = 0.0;  // sd / sqrt(n)
};
Summary summarise(std::span<const double> values);

/// Of differences d between pairs: t = mean(d) / (sd(d) / sqrt(n)), with n - 1 degrees of freedom.
struct PairedTest {
  Summary differences;
  double low = 0.0, high = 0.0;  // confidence interval of the mean difference, 1 - kLevel
  double p = 1.0;                // two-sided; 1 of fewer than two pairs, and where all differences are 0
};
/// values[i] - baseline[i] belong to one seed. Equal sizes.
PairedTest paired_test(std::span<const double> values, std::span<const double> baseline);

/// One-sided one-sample t test that the mean lies below `target`; 1 of fewer than two values.
double p_below(std::span<const double> values, double target);

/// Holm's step-down: p values as they count where all of them are looked at, in the order given. At most 1.
std::vector<double> holm(std::span<const double> p_values);

/// The chance that a paired test of n pairs, whose differences have this sd, finds a true mean difference (two-sided;
/// noncentral t). n at least 2. level: of each test; of m tests that share kLevel it is kLevel / m, what Holm asks of
/// the first.
double power_of(double difference, double sd, int64_t n, double level = kLevel);

/// The smallest mean difference that n pairs find with kPower. NaN of fewer than two.
double smallest_difference(double sd, int64_t n, double level = kLevel);

/// How many pairs find this difference with kPower; kMostPairs: as many or more.
inline constexpr int64_t kMostPairs = 100'000;
int64_t pairs_for(double difference, double sd, double level = kLevel);

}  // namespace strata::study
