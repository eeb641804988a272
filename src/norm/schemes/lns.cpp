#include <cmath>

#include "strata/norm/scheme.h"

namespace strata::norm {
namespace {

class Lns final : public Scheme {
 public:
  SchemeText text() const override {
    return {"as pre, gains from 1/sqrt(l), l = 1 ... L",
            "LayerNorm Scaling as the GPAS paper trains it (arXiv 2506.22049)"};
  }
  Sublayer sublayer(const Site& site) const override {
    return {.input_norm = Norm::kRms, .input_gain = 1.0 / std::sqrt(static_cast<double>(site.layer + 1))};
  }
};

}  // namespace
STRATA_REGISTER_SCHEME("lns", Lns)
}  // namespace strata::norm
