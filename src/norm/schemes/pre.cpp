#include "strata/norm/scheme.h"

namespace strata::norm {
namespace {

class Pre final : public Scheme {
 public:
  SchemeText text() const override { return {"x <- x + f(N x)", "Pre-LN (GPT-2; Xiong et al., arXiv 2002.04745)"}; }
  Sublayer sublayer(const Site&) const override { return {.input_norm = Norm::kRms}; }
};

}  // namespace
STRATA_REGISTER_SCHEME("pre", Pre)
}  // namespace strata::norm
