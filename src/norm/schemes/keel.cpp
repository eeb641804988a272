// The names of norms are those that a layer with both has, in the first layer too.
#include "strata/norm/scheme.h"

namespace strata::norm {
namespace {

class Keel final : public Scheme {
 public:
  SchemeText text() const override {
    return {"x <- N'(2L x + f(N x)); the first sub-layer x <- x + f(N x)", "KEEL (arXiv 2601.19895)"};
  }
  Sublayer sublayer(const Site& site) const override {
    const bool is_attention = site.branch == Branch::kAttention;
    Sublayer sublayer{.input_norm = Norm::kRms, .out_norm = Norm::kRms};
    sublayer.skip_scale = 2.0 * static_cast<double>(site.layers);
    if (!is_attention) sublayer.input_norm_name = "pre_feedforward_layernorm";
    if (is_attention && site.layer == 0) {
      sublayer.skip_scale = 1.0;
      sublayer.out_norm = Norm::kNone;
    }
    return sublayer;
  }
};

}  // namespace
STRATA_REGISTER_SCHEME("keel", Keel)
}  // namespace strata::norm
