#include "strata/norm/scheme.h"

namespace strata::norm {
namespace {

class Derf final : public Scheme {
 public:
  explicit Derf(SchemeOptions& options) : alpha_(options.number("alpha", 0.5, 0.0, 1e3)) {}

  SchemeText text() const override {
    return {"x <- x + f(E x), E x = gain erf(a x + s) + bias, in place of every norm",
            "Derf, dynamic erf (arXiv 2512.10938)"};
  }
  Sublayer sublayer(const Site&) const override { return {.input_norm = Norm::kErf, .norm_alpha = alpha_}; }
  FinalNorm final_norm() const override { return {Norm::kErf, alpha_}; }

 private:
  double alpha_;
};

}  // namespace
STRATA_REGISTER_SCHEME("derf", Derf)
}  // namespace strata::norm
