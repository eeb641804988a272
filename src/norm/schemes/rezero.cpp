// ReZero (arXiv 2003.04887):  x <- x + r f(x), r a learned number of the layer that starts at 0, for both sub-layers;
// no norm in the layers
#include "strata/norm/scheme.h"

namespace strata::norm {
namespace {

class ReZero final : public Scheme {
 public:
  Sublayer sublayer(const Site&) const override { return {.branch_weight = "resweight"}; }
};

}  // namespace
STRATA_REGISTER_SCHEME("rezero", ReZero)
}  // namespace strata::norm
