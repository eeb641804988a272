// Peri-LN (arXiv 2502.02732):  x <- x + N'(f(N x)), and x0 = N(embedding); without the latter it is `sandwich`
#include "strata/norm/scheme.h"

namespace strata::norm {
namespace {

class Peri final : public Scheme {
 public:
  Sublayer sublayer(const Site&) const override { return {.input_norm = Norm::kRms, .branch_norm = Norm::kRms}; }
  Norm embedding_norm() const override { return Norm::kRms; }
};

}  // namespace
STRATA_REGISTER_SCHEME("peri", Peri)
}  // namespace strata::norm
