// Without the norm of the embedding it is `sandwich`.
#include "strata/norm/scheme.h"

namespace strata::norm {
namespace {

class Peri final : public Scheme {
 public:
  SchemeText text() const override { return {"x <- x + N'(f(N x)), x0 = N(embedding)", "Peri-LN (arXiv 2502.02732)"}; }
  Sublayer sublayer(const Site&) const override { return {.input_norm = Norm::kRms, .branch_norm = Norm::kRms}; }
  Norm embedding_norm() const override { return Norm::kRms; }
};

}  // namespace
STRATA_REGISTER_SCHEME("peri", Peri)
}  // namespace strata::norm
