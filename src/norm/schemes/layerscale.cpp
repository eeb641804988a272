// s, of every channel, starts small: from 0.1 up to 18 layers, 1e-5 up to 24, 1e-6 beyond.
#include "strata/norm/scheme.h"

namespace strata::norm {
namespace {

class LayerScale final : public Scheme {
 public:
  explicit LayerScale(SchemeOptions& options) : start_(options.number("start", kByDepth, 0.0, 1.0)) {}

  SchemeText text() const override { return {"x <- x + s * f(N x), s learned", "LayerScale (CaiT, arXiv 2103.17239)"}; }
  Sublayer sublayer(const Site& site) const override {
    const double by_depth = site.layers <= 18 ? 0.1 : site.layers <= 24 ? 1e-5 : 1e-6;
    return {
        .input_norm = Norm::kRms, .branch_norm = Norm::kScale, .branch_gain = start_ == kByDepth ? by_depth : start_};
  }

 private:
  static constexpr double kByDepth = 0.0;

  double start_;
};

}  // namespace
STRATA_REGISTER_SCHEME("layerscale", LayerScale)
}  // namespace strata::norm
