#include "strata/data/mixture.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "strata/base/check.h"

namespace strata::data {

Mixture::Mixture(const std::vector<double>& weights, std::string_view key) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (size_t i = 0; i < weights.size(); ++i) {
    shares_.push_back(std::llround(weights[i] / sum * static_cast<double>(kWhole)));
    if (shares_.back() < 1) {
      throw UsageError(str(key, "[", i, "].weight=", weights[i], " is too small beside the others: ", sum, " in all"));
    }
  }
  *std::ranges::max_element(shares_) += kWhole - std::accumulate(shares_.begin(), shares_.end(), int64_t{0});
}

size_t Mixture::next(std::vector<SourceCursor>& sources) const {
  STRATA_ASSERT(sources.size() == shares_.size());
  const auto count = static_cast<int64_t>(shares_.size());
  const int64_t behind = count == 1 ? 0 : kWhole / (2 * count - 2);
  // Before (kWhole - behind - credit) / share rows more its next one has to come.
  const auto is_due_before = [&](size_t one, size_t other) {
    return (kWhole - behind - sources[one].credit) * shares_[other] <
           (kWhole - behind - sources[other].credit) * shares_[one];
  };
  size_t chosen = sources.size();
  for (size_t i = 0; i < sources.size(); ++i) {
    if (sources[i].credit + shares_[i] < behind) continue;
    if (chosen == sources.size() || is_due_before(i, chosen)) chosen = i;
  }
  STRATA_CHECK(chosen < sources.size(), "the credits of the mixture's sources do not add up to 0");
  for (size_t i = 0; i < sources.size(); ++i) sources[i].credit += shares_[i];
  sources[chosen].credit -= kWhole;
  return chosen;
}

}  // namespace strata::data
