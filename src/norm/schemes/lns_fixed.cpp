#include <cmath>

#include "strata/norm/scheme.h"

namespace strata::norm {
namespace {

class LnsFixed final : public Scheme {
 public:
  SchemeText text() const override {
    return {"x <- x + f(N(x) / sqrt(l)), l = 1 ... L", "LayerNorm Scaling (arXiv 2502.05795, eq. 9)"};
  }
  Sublayer sublayer(const Site& site) const override {
    return {.input_norm = Norm::kRms, .input_scale = 1.0 / std::sqrt(static_cast<double>(site.layer + 1))};
  }
};

}  // namespace
STRATA_REGISTER_SCHEME("lns_fixed", LnsFixed)
}  // namespace strata::norm
