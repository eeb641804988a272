#include "strata/data/mixture.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "strata/base/check.h"
#include "strata/base/seed.h"
#include "support/errors.h"

namespace strata::data {
namespace {

using strata::test::error_of;

constexpr int64_t kWhole = Mixture::kWhole;

std::vector<int64_t> given_after(const Mixture& mixture, int64_t rows) {
  std::vector<SourceCursor> sources(mixture.shares().size());
  std::vector<int64_t> given(sources.size());
  for (int64_t row = 0; row < rows; ++row) ++given[mixture.next(sources)];
  return given;
}

TEST(Mixture, GivesSharesExactly) {
  EXPECT_EQ(given_after(Mixture({0.7, 0.3}), 10'000), (std::vector<int64_t>{7'000, 3'000}));
  EXPECT_EQ(given_after(Mixture({6, 3, 1}), 10'000), (std::vector<int64_t>{6'000, 3'000, 1'000}));
  EXPECT_EQ(given_after(Mixture({5.0}), 17), (std::vector<int64_t>{17}));
  const std::vector<int64_t> thirds = given_after(Mixture({1, 1, 1}), 10'000);
  for (const int64_t rows : thirds) EXPECT_NEAR(static_cast<double>(rows), 10'000.0 / 3.0, 1.0);
}

TEST(Mixture, KnowsRatiosOnly) {
  EXPECT_EQ(Mixture({0.7, 0.3}).shares(), (std::vector<int64_t>{700'000'000, 300'000'000}));
  EXPECT_EQ(Mixture({7, 3}).shares(), Mixture({0.7, 0.3}).shares());
  EXPECT_EQ(Mixture({7e14, 3e14}).shares(), Mixture({7e-14, 3e-14}).shares());
  for (const auto& weights : {std::vector<double>{1, 1, 1}, {1, 1, 1, 1, 1, 1, 1}, {1e-3, 1, 1e3}}) {
    const auto shares = Mixture(weights).shares();
    EXPECT_EQ(std::accumulate(shares.begin(), shares.end(), int64_t{0}), kWhole);
  }
  EXPECT_THAT(error_of([] { Mixture({1, 1e-12}); }), testing::HasSubstr("data.train[1].weight=1e-12 is too small"));
}

// The bound of Tijdeman's rule, at every row, for few sources and many, large and small ones.
TEST(Mixture, IsNeverARowBehindOrAhead) {
  for (const size_t count : {2U, 3U, 5U, 8U, 30U}) {
    for (uint64_t draw = 0; draw < 10; ++draw) {
      std::vector<double> weights;
      for (size_t i = 0; i < count; ++i) {
        const double uniform = static_cast<double>(mix_bits(1000 * draw + i) >> 11) * 0x1p-53;
        weights.push_back(1e-6 + std::pow(uniform, draw % 2 == 0 ? 1 : 6));
      }
      const Mixture mixture(weights);
      std::vector<SourceCursor> sources(count);
      const double bound = 1.0 - 1.0 / static_cast<double>(2 * count - 2) + 1e-6;
      for (int row = 0; row < 3000; ++row) {
        mixture.next(sources);
        for (const SourceCursor& source : sources) {
          ASSERT_LE(std::abs(static_cast<double>(source.credit)), bound * static_cast<double>(kWhole)) << count;
        }
      }
    }
  }
}

// The credits are all that the rest of the sequence depends on.
TEST(Mixture, GoesOnFromItsCredits) {
  const Mixture mixture({0.5, 0.3, 0.15, 0.05});
  std::vector<SourceCursor> sources(4);
  std::vector<size_t> straight, resumed;
  std::vector<SourceCursor> saved;
  for (int row = 0; row < 200; ++row) {
    if (row == 77) saved = sources;
    straight.push_back(mixture.next(sources));
  }
  for (int row = 77; row < 200; ++row) resumed.push_back(mixture.next(saved));
  EXPECT_TRUE(std::equal(resumed.begin(), resumed.end(), straight.begin() + 77));
}

// Rows of a source come evenly: no global batch is without it.
TEST(Mixture, SpreadsEachSource) {
  const Mixture mixture({0.9, 0.1});
  std::vector<SourceCursor> sources(2);
  int64_t last = -1;
  for (int64_t row = 0; row < 1000; ++row) {
    if (mixture.next(sources) != 1) continue;
    EXPECT_TRUE(last < 0 || row - last == 10) << row;
    last = row;
  }
}

}  // namespace
}  // namespace strata::data
