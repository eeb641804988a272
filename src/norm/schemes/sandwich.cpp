#include "strata/norm/scheme.h"

namespace strata::norm {
namespace {

class Sandwich final : public Scheme {
 public:
  SchemeText text() const override { return {"x <- x + N'(f(N x))", "Sandwich-LN (CogView, arXiv 2105.13290)"}; }
  Sublayer sublayer(const Site&) const override { return {.input_norm = Norm::kRms, .branch_norm = Norm::kRms}; }
};

}  // namespace
STRATA_REGISTER_SCHEME("sandwich", Sandwich)
}  // namespace strata::norm
