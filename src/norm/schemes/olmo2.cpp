#include "strata/norm/scheme.h"

namespace strata::norm {
namespace {

class Olmo2 final : public Scheme {
 public:
  SchemeText text() const override {
    return {"x <- x + N(f(x)), norms on all of q and of k", "OLMo 2 (arXiv 2501.00656)"};
  }
  Sublayer sublayer(const Site&) const override { return {.branch_norm = Norm::kRms}; }
  AttentionNorms attention_norms() const override { return {.query_key = config::QkNorm::kFull}; }
};

}  // namespace
STRATA_REGISTER_SCHEME("olmo2", Olmo2)
}  // namespace strata::norm
