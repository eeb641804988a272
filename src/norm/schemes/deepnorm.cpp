// Weights start Xavier-normal, std = gain sqrt(2 / (fan_in + fan_out)); gain (8L)^(-1/4) on v, o and the
// feed-forward's, 1 on q and k.
#include <cmath>

#include "strata/norm/scheme.h"

namespace strata::norm {
namespace {

class DeepNorm final : public Scheme {
 public:
  SchemeText text() const override {
    return {"x <- N(a x + f(x)), a = (2L)^(1/4)", "DeepNorm (arXiv 2203.00555, decoder-only column of figure 2)"};
  }
  Sublayer sublayer(const Site& site) const override {
    return {.skip_scale = std::pow(2.0 * static_cast<double>(site.layers), 0.25), .out_norm = Norm::kRms};
  }

  double weight_std(const WeightSite& site) const override {
    const bool attention_pattern = site.weight == Weight::kQuery || site.weight == Weight::kKey;
    const double gain = attention_pattern ? 1.0 : std::pow(8.0 * static_cast<double>(site.layers), -0.25);
    return gain * std::sqrt(2.0 / static_cast<double>(site.fan_in + site.fan_out));
  }
};

}  // namespace
STRATA_REGISTER_SCHEME("deepnorm", DeepNorm)
}  // namespace strata::norm
