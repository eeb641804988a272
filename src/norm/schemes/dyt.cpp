// alpha starts from 0.8 before attention and 0.2 elsewhere, the paper's for LLaMA 7B. A number that multiplies the
// embedding is optional; the paper's starts from sqrt(hidden).
#include "strata/norm/scheme.h"

namespace strata::norm {
namespace {

class DyT final : public Scheme {
 public:
  explicit DyT(SchemeOptions& options)
      : attention_alpha_(options.number("attention_alpha", 0.8, 0.0, 1e3)),
        alpha_(options.number("alpha", 0.2, 0.0, 1e3)),
        embed_scale_(options.number("embed_scale", kNoScale, 0.0, 1e6)) {}

  SchemeText text() const override {
    return {"x <- x + f(T x), T x = gain tanh(a x), in place of every norm", "DyT, dynamic tanh (arXiv 2503.10622)"};
  }
  Sublayer sublayer(const Site& site) const override {
    return {.input_norm = Norm::kTanh, .norm_alpha = site.branch == Branch::kAttention ? attention_alpha_ : alpha_};
  }
  std::optional<double> embedding_scale() const override {
    return embed_scale_ == kNoScale ? std::nullopt : std::optional(embed_scale_);
  }
  FinalNorm final_norm() const override { return {Norm::kTanh, alpha_}; }

 private:
  static constexpr double kNoScale = 0.0;

  double attention_alpha_, alpha_, embed_scale_;
};

}  // namespace
STRATA_REGISTER_SCHEME("dyt", DyT)
}  // namespace strata::norm
