#include <cmath>

#include "strata/norm/scheme.h"

namespace strata::norm {
namespace {

class Mix final : public Scheme {
 public:
  explicit Mix(SchemeOptions& options) : post_share_(options.number("post_share", 0.25, 0.0, 1.0)) {}

  SchemeText text() const override {
    return {"the first floor(share L) layers as post, the rest as pre", "Mix-LN (arXiv 2412.13795)"};
  }
  Sublayer sublayer(const Site& site) const override {
    const double post_layers = std::floor(post_share_ * static_cast<double>(site.layers));
    if (static_cast<double>(site.layer) < post_layers) return {.out_norm = Norm::kRms};
    return {.input_norm = Norm::kRms};
  }

 private:
  double post_share_;
};

}  // namespace
STRATA_REGISTER_SCHEME("mix", Mix)
}  // namespace strata::norm
