#include <cmath>

#include "strata/norm/scheme.h"

namespace strata::norm {
namespace {

class ScaledInit final : public Scheme {
 public:
  SchemeText text() const override {
    return {"as pre, o and down from N(0, (0.02/sqrt(2L))^2)",
            "scaled initialisation (GPT-2; Spike No More, arXiv 2312.16903)"};
  }
  Sublayer sublayer(const Site&) const override { return {.input_norm = Norm::kRms}; }

  double weight_std(const WeightSite& site) const override {
    const bool ends_branch = site.weight == Weight::kOutput || site.weight == Weight::kDown;
    return ends_branch ? kLinearStd / std::sqrt(2.0 * static_cast<double>(site.layers)) : kLinearStd;
  }
};

}  // namespace
STRATA_REGISTER_SCHEME("scaled_init", ScaledInit)
}  // namespace strata::norm
