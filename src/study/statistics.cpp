#include "strata/study/statistics.h"

#include <algorithm>
#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/tools/roots.hpp>
#include <cmath>
#include <numeric>

#include "numbers.h"
#include "strata/base/check.h"

namespace strata::study {
namespace {

using boost::math::cdf;
using boost::math::complement;
using boost::math::quantile;
using StudentsT = boost::math::students_t;
using NoncentralT = boost::math::non_central_t;

StudentsT students_t(int64_t n) { return StudentsT(static_cast<double>(n - 1)); }

// How many standard errors the interval of 1 - level reaches to both sides.
double critical(int64_t n, double level) { return quantile(complement(students_t(n), level / 2.0)); }

}  // namespace

Summary summarise(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  if (values.empty()) return {.n = 0, .mean = kNan, .sd = kNan, .standard_error = kNan};
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  if (values.size() == 1) return {.n = 1, .mean = mean, .sd = kNan, .standard_error = kNan};
  double squares = 0.0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double sd = std::sqrt(squares / (n - 1.0));
  return {.n = static_cast<int64_t>(values.size()), .mean = mean, .sd = sd, .standard_error = sd / std::sqrt(n)};
}

PairedTest paired_test(std::span<const double> values, std::span<const double> baseline) {
  STRATA_ASSERT(values.size() == baseline.size());
  std::vector<double> differences(values.size());
  std::ranges::transform(values, baseline, differences.begin(), std::minus<>());
  PairedTest test{.differences = summarise(differences), .low = kNan, .high = kNan};
  const Summary& d = test.differences;
  if (d.n < 2) return test;
  const double reach = critical(d.n, kLevel) * d.standard_error;
  test.low = d.mean - reach;
  test.high = d.mean + reach;
  if (d.standard_error > 0.0) {
    test.p = 2.0 * cdf(complement(students_t(d.n), std::abs(d.mean) / d.standard_error));
  } else {
    test.p = d.mean == 0.0 ? 1.0 : 0.0;
  }
  return test;
}

double p_below(std::span<const double> values, double target) {
  const Summary summary = summarise(values);
  if (summary.n < 2) return 1.0;
  if (summary.standard_error == 0.0) return summary.mean < target ? 0.0 : 1.0;
  return cdf(students_t(summary.n), (summary.mean - target) / summary.standard_error);
}

std::vector<double> holm(std::span<const double> p_values) {
  std::vector<size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t index) { return p_values[index]; });
  std::vector<double> adjusted(p_values.size());
  double largest = 0.0;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const auto tests_left = static_cast<double>(order.size() - rank);
    largest = std::max(largest, std::min(1.0, tests_left * p_values[order[rank]]));
    adjusted[order[rank]] = largest;
  }
  return adjusted;
}

double power_of(double difference, double sd, int64_t n, double level) {
  const double ncp = std::abs(difference) / (sd / std::sqrt(static_cast<double>(n)));
  const double bound = critical(n, level);
  constexpr double kCertain = 40.0;  // chi's tail has no double so far out, and the series becomes slow
  if (ncp > kCertain * bound) return 1.0;
  const NoncentralT shifted(static_cast<double>(n - 1), ncp);
  return cdf(complement(shifted, bound)) + cdf(shifted, -bound);
}

double smallest_difference(double sd, int64_t n, double level) {
  if (n < 2 || !std::isfinite(sd)) return kNan;
  if (sd == 0.0) return 0.0;
  const auto missing_power = [&](double difference) { return power_of(difference, sd, n, level) - kPower; };
  double high = sd;
  while (missing_power(high) < 0.0) high *= 2.0;
  uintmax_t iterations = 200;
  const boost::math::tools::eps_tolerance<double> tolerance(48);
  const auto [below, above] = boost::math::tools::toms748_solve(missing_power, 0.0, high, tolerance, iterations);
  return (below + above) / 2.0;
}

int64_t pairs_for(double difference, double sd, double level) {
  if (difference == 0.0 || !std::isfinite(sd)) return kMostPairs;
  int64_t low = 1, high = 2;  // low is too few
  while (high < kMostPairs && power_of(difference, sd, high, level) < kPower) {
    low = high;
    high *= 2;
  }
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    (power_of(difference, sd, middle, level) < kPower ? low : high) = middle;
  }
  return std::min(high, kMostPairs);
}

}  // namespace strata::study
