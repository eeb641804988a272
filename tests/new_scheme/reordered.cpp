// Reordered norm (OLMo 2, arXiv 2501.00656):  x <- x + N'(f(x))
// No scheme of Strata's: run.sh puts this file among the schemes of a copy of the sources.
#include "strata/norm/scheme.h"

namespace strata::norm {
namespace {

class Reordered final : public Scheme {
 public:
  Sublayer sublayer(const Site&) const override { return {.branch_norm = Norm::kRms}; }
};

}  // namespace
STRATA_REGISTER_SCHEME("reordered", Reordered)
}  // namespace strata::norm
