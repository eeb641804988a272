#include "plot/thinning.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace strata::plot {
namespace {

void keep_extremes(std::set<size_t>& kept, const std::vector<double>& values, size_t begin, size_t end) {
  size_t smallest = end, largest = end, first_gap = end, last_gap = end;
  for (size_t i = begin; i < end; ++i) {
    if (!std::isfinite(values[i])) {
      first_gap = std::min(first_gap, i);
      last_gap = i;
      continue;
    }
    if (smallest == end || values[i] < values[smallest]) smallest = i;
    if (largest == end || values[i] > values[largest]) largest = i;
  }
  for (const size_t i : {smallest, largest, first_gap, last_gap}) {
    if (i != end) kept.insert(i);
  }
}

}  // namespace

std::vector<size_t> thinned(const std::vector<double>& values, size_t most) {
  std::vector<size_t> all(values.size());
  std::iota(all.begin(), all.end(), size_t{0});
  if (all.size() <= most) return all;
  std::set<size_t> kept{0, all.size() - 1};
  const size_t buckets = std::max<size_t>(most / 2, 1);
  for (size_t bucket = 0; bucket < buckets; ++bucket) {
    keep_extremes(kept, values, bucket * all.size() / buckets, (bucket + 1) * all.size() / buckets);
  }
  return {kept.begin(), kept.end()};
}

std::vector<size_t> grouped(size_t count, size_t most) {
  const size_t size = (count + most - 1) / most;
  std::vector<size_t> begins;
  for (size_t begin = 0; begin < count; begin += size) begins.push_back(begin);
  begins.push_back(count);
  return begins;
}

}  // namespace strata::plot
