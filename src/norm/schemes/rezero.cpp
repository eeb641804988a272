// No norm in the layers; both sub-layers use a layer's r.
#include "strata/norm/scheme.h"

namespace strata::norm {
namespace {

class ReZero final : public Scheme {
 public:
  SchemeText text() const override {
    return {"x <- x + r f(x), r learned, one a layer, from 0", "ReZero (arXiv 2003.04887)"};
  }
  Sublayer sublayer(const Site&) const override { return {.branch_weight = "resweight"}; }
};

}  // namespace
STRATA_REGISTER_SCHEME("rezero", ReZero)
}  // namespace strata::norm
