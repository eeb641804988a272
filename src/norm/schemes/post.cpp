#include "strata/norm/scheme.h"

namespace strata::norm {
namespace {

class Post final : public Scheme {
 public:
  SchemeText text() const override { return {"x <- N(x + f(x))", "Post-LN (Vaswani et al., arXiv 1706.03762)"}; }
  Sublayer sublayer(const Site&) const override { return {.out_norm = Norm::kRms}; }
};

}  // namespace
STRATA_REGISTER_SCHEME("post", Post)
}  // namespace strata::norm
