#include "strata/norm/scheme.h"

namespace strata::norm {
namespace {

class SwinV2 final : public Scheme {
 public:
  explicit SwinV2(SchemeOptions& options) : period_(static_cast<int64_t>(options.number("period", 6, 1, 1000))) {}

  SchemeText text() const override {
    return {"x <- x + N(f(x)), after every sixth layer x <- N'(x)", "Swin Transformer V2 (arXiv 2111.09883)"};
  }
  Sublayer sublayer(const Site& site) const override {
    const bool ends_period = site.branch == Branch::kFeedForward && (site.layer + 1) % period_ == 0;
    return {.branch_norm = Norm::kRms, .out_norm = ends_period ? Norm::kRms : Norm::kNone};
  }

 private:
  int64_t period_;
};

}  // namespace
STRATA_REGISTER_SCHEME("swin_v2", SwinV2)
}  // namespace strata::norm
