#include "strata/norm/gpas.h"

#include "strata/norm/decorator.h"

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

class Gated final : public Decorator {
 public:
  Gated(std::unique_ptr<Scheme> scheme, config::GpasPosition position, config::NormInit init)
      : Decorator("+gpas", std::move(scheme)), position_(position), init_(init) {}

  Sublayer sublayer(const Site& site) const override {
    Sublayer sublayer = Decorator::sublayer(site);
    sublayer.gate = gate_in(sublayer, position_);
    sublayer.gates_input = position_ == config::GpasPosition::kInput;
    return sublayer;
  }

  double weight_std(const WeightSite& site) const override {
    return init_ == config::NormInit::kReference ? kLinearStd : Decorator::weight_std(site);
  }

 private:
  config::GpasPosition position_;
  config::NormInit init_;
};

}  // namespace

std::unique_ptr<Scheme> with_gates(std::unique_ptr<Scheme> scheme, config::GpasPosition position,
                                   config::NormInit init) {
  return std::make_unique<Gated>(std::move(scheme), position, init);
}

}  // namespace strata::norm
