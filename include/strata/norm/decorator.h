#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "strata/norm/scheme.h"

namespace strata::norm {

/// A scheme that changes another one's records.
class Decorator : public Scheme {
 public:
  /// suffix: as it is written behind the other's name.
  Decorator(std::string suffix, std::unique_ptr<Scheme> scheme)
      : suffix_(std::move(suffix)), scheme_(std::move(scheme)) {}

  Sublayer sublayer(const Site& site) const override { return scheme_->sublayer(site); }
  Norm embedding_norm() const override { return scheme_->embedding_norm(); }
  std::optional<double> embedding_scale() const override { return scheme_->embedding_scale(); }
  AttentionNorms attention_norms() const override { return scheme_->attention_norms(); }
  FinalNorm final_norm() const override { return scheme_->final_norm(); }
  double weight_std(const WeightSite& site) const override { return scheme_->weight_std(site); }
  /// Throws config::KeyError: a function has no records.
  std::optional<CustomJunction> custom(const Site& site) const override;

 private:
  std::string suffix_;
  std::unique_ptr<Scheme> scheme_;
};

}  // namespace strata::norm
