#include "strata/optim/lisa.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "strata/base/check.h"
#include "strata/base/seed.h"

namespace strata::optim {

LisaDraws::LisaDraws(const config::LisaConfig& config, uint64_t run_seed, std::vector<double> weights)
    : count_(config.layers),
      seed_(derive_seed(config.seed < 0 ? run_seed : static_cast<uint64_t>(config.seed), "lisa")),
      weights_(std::move(weights)) {
  STRATA_ASSERT(0 < count_ && count_ <= std::ssize(weights_));
}

// Every layer waits for a time drawn from the exponential distribution with its weight as rate; the first to come are
// a draw without replacement (Efraimidis and Spirakis 2006).
std::vector<int64_t> LisaDraws::layers_of(int64_t period) const {
  const uint64_t key = mix_bits(seed_ ^ mix_bits(static_cast<uint64_t>(period)));
  std::vector<double> times;
  for (size_t layer = 0; layer < weights_.size(); ++layer) {
    const auto bits = static_cast<double>(mix_bits(key + layer) >> 11);
    times.push_back(-std::log((bits + 0.5) * 0x1p-53) / weights_[layer]);
  }
  std::vector<int64_t> layers(weights_.size());
  std::iota(layers.begin(), layers.end(), int64_t{0});
  std::ranges::stable_sort(layers, {}, [&](int64_t layer) { return times[static_cast<size_t>(layer)]; });
  layers.resize(static_cast<size_t>(count_));
  std::ranges::sort(layers);
  return layers;
}

}  // namespace strata::optim
