#include "strata/norm/scheme.h"

namespace strata::norm {
namespace {

class HybridStar final : public Scheme {
 public:
  SchemeText text() const override {
    return {"as hybrid, the first layer as pre with its norms on q, k, v", "HybridNorm* (arXiv 2503.04598)"};
  }
  Sublayer sublayer(const Site& site) const override {
    if (site.layer == 0) return {.input_norm = Norm::kRms};
    return {.out_norm = site.branch == Branch::kAttention ? Norm::kRms : Norm::kNone};
  }
  AttentionNorms attention_norms() const override { return {.query_key = config::QkNorm::kHead, .value = true}; }
};

}  // namespace
STRATA_REGISTER_SCHEME("hybrid_star", HybridStar)
}  // namespace strata::norm
