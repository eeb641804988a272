#include "strata/norm/scheme.h"

namespace strata::norm {
namespace {

class Hybrid final : public Scheme {
 public:
  SchemeText text() const override {
    return {"z = N(x + Attention(x)); x <- z + FFN(z); norms on heads of q, k, v", "HybridNorm (arXiv 2503.04598)"};
  }
  Sublayer sublayer(const Site& site) const override {
    return {.out_norm = site.branch == Branch::kAttention ? Norm::kRms : Norm::kNone};
  }
  AttentionNorms attention_norms() const override { return {.query_key = config::QkNorm::kHead, .value = true}; }
};

}  // namespace
STRATA_REGISTER_SCHEME("hybrid", Hybrid)
}  // namespace strata::norm
