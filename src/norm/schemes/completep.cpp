// What depth changes of it; L0 is the depth whose learning rate is transferred.
#include "strata/norm/scheme.h"

namespace strata::norm {
namespace {

class CompleteP final : public Scheme {
 public:
  explicit CompleteP(SchemeOptions& options) : base_layers_(options.number("base_layers", 2, 1, 1000)) {}

  SchemeText text() const override { return {"x <- x + (L0/L) f(N x)", "CompleteP (arXiv 2505.01618)"}; }
  Sublayer sublayer(const Site& site) const override {
    const double scale = base_layers_ / static_cast<double>(site.layers);
    return {.input_norm = Norm::kRms, .branch_scale = {.from = scale, .to = scale}};
  }

 private:
  double base_layers_;
};

}  // namespace
STRATA_REGISTER_SCHEME("completep", CompleteP)
}  // namespace strata::norm
