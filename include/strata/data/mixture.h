#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "strata/data/order.h"

namespace strata::data {

/// Which source of a mixture each row of a run comes from.
///
/// Row n comes from the source that is due the soonest of those that are behind (Tijdeman's rule for the chairman
/// assignment problem, Discrete Mathematics 32, 1980): after any number of rows each source of K has given what its
/// share comes to, but for less than 1 - 1 / (2K - 2) of a row. A draw by a hash of (seed, n) would need no state, but
/// leaves a standard deviation of 46 rows on a share of 0.7 after 10,000, and global batches that differ in their mix.
///
/// Shares are whole numbers of 10^-9, so that no rounding enters: a row's source is a function of the weights and n.
/// What the next row depends on is the credit in each source's cursor, whose sum is 0.
class Mixture {
 public:
  static constexpr int64_t kWhole = 1'000'000'000;

  /// weights: of the sources, greater than 0; only their ratios count. Throws UsageError for one that is too small
  /// beside the others to have a share. key: of the list, for messages.
  explicit Mixture(const std::vector<double>& weights, std::string_view key = "data.train");

  /// Of the rows, in parts of kWhole; together they are kWhole.
  const std::vector<int64_t>& shares() const { return shares_; }

  /// The source that gives the next row; the credits move on. sources: one for each.
  size_t next(std::vector<SourceCursor>& sources) const;

 private:
  std::vector<int64_t> shares_;
};

}  // namespace strata::data
