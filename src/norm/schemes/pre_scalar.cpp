#include "strata/norm/scheme.h"

namespace strata::norm {
namespace {

class PreScalar final : public Scheme {
 public:
  SchemeText text() const override {
    return {"x <- x + r f(N x), r learned, one a sub-layer, from 0", "ReZero's number in Pre-LN (arXiv 2003.04887)"};
  }
  Sublayer sublayer(const Site& site) const override {
    return {.input_norm = Norm::kRms,
            .branch_weight = site.branch == Branch::kAttention ? "attn_resweight" : "mlp_resweight"};
  }
};

}  // namespace
STRATA_REGISTER_SCHEME("pre_scalar", PreScalar)
}  // namespace strata::norm
