#include "strata/norm/gpas.h"

#include "strata/config/key_error.h"

namespace strata::norm {
namespace {

// A sum that a norm follows would lose a scale on it; there the gate goes on the skip.
Gate gate_in(const Sublayer& sublayer, config::GpasPosition position) {
  switch (position) {
    case config::GpasPosition::kAuto:
      break;
    case config::GpasPosition::kSum:
      return Gate::kSum;
    case config::GpasPosition::kSkip:
      return Gate::kSkip;
    case config::GpasPosition::kBranch:
      return Gate::kBranch;
    case config::GpasPosition::kNorm:
      return Gate::kNorm;
    case config::GpasPosition::kInput:
      return Gate::kNone;
  }
  return sublayer.out_norm == Norm::kNone ? Gate::kSum : Gate::kSkip;
}

class Gated final : public Scheme {
 public:
  Gated(std::unique_ptr<Scheme> scheme, config::GpasPosition position, config::NormInit init)
      : scheme_(std::move(scheme)), position_(position), init_(init) {}

  Sublayer sublayer(const Site& site) const override {
    Sublayer sublayer = scheme_->sublayer(site);
    sublayer.gate = gate_in(sublayer, position_);
    sublayer.gates_input = position_ == config::GpasPosition::kInput;
    return sublayer;
  }

  std::optional<CustomJunction> custom(const Site& site) const override {
    if (!scheme_->custom(site)) return std::nullopt;
    throw config::KeyError("norm.scheme", "+gpas has no place in a scheme that brings its own junctions");
  }

  double weight_std(const WeightSite& site) const override {
    return init_ == config::NormInit::kReference ? kLinearStd : scheme_->weight_std(site);
  }

 private:
  std::unique_ptr<Scheme> scheme_;
  config::GpasPosition position_;
  config::NormInit init_;
};

}  // namespace

std::unique_ptr<Scheme> with_gates(std::unique_ptr<Scheme> scheme, config::GpasPosition position,
                                   config::NormInit init) {
  return std::make_unique<Gated>(std::move(scheme), position, init);
}

}  // namespace strata::norm
