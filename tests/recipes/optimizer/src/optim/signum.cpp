#include "signum.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/sign.h>
#include <ATen/ops/where.h>

#include <algorithm>

#include "strata/base/check.h"
#include "strata/kernels/clip.h"

namespace strata::optim {
namespace {

bool has_place(const Trained& trained, int64_t state_offset) {
  return std::ranges::find(trained.params, state_offset, &TrainedParam::state_offset) != trained.params.end();
}

}  // namespace

Signum::Signum(const config::OptimizerConfig& config, const Trained& trained, const std::vector<ArenaRange>& ranges,
               at::ScalarType dtype, Allocator& allocator)
    : config_(config), ranges_(ranges), trained_(trained) {
  states_.push_back({"m", allocator.zeros(MemoryClass::kMoments, "signum m", {total_size(ranges)}, dtype)});
}

// Where no state is dropped every parameter stays in its place, and nothing moves.
void Signum::train(const Trained& trained) {
  STRATA_ASSERT(ranges_.size() == 1 && ranges_.front().begin == 0);
  const at::Tensor& m = states_[0].values;
  const at::Tensor before = m.clone();
  for (const TrainedParam& now : trained.params) {
    const auto was =
        std::ranges::find(trained_.params, now.spec.name, [](const TrainedParam& p) { return p.spec.name; });
    const at::Tensor place = m.narrow(0, now.state_offset, now.spec.arena_count());
    if (was != trained_.params.end()) {
      place.copy_(before.narrow(0, was->state_offset, now.spec.arena_count()));
    } else if (has_place(trained_, now.state_offset)) {
      place.zero_();
    }
  }
  trained_ = trained;
}

void Signum::update(const UpdateArenas& arenas, int64_t, double rate, const at::Tensor& outcome) {
  for (const TrainedParam& param : trained_.params) {
    const ArenaRange states{param.state_offset, param.state_offset + param.spec.arena_count()};
    each_part(ranges_, states,
              [&](const ArenaRange& part, int64_t place) { update_part(arenas, param, part, place, rate, outcome); });
  }
}

// What of the parameter has its states at `part`, and in states_ at `place`.
void Signum::update_part(const UpdateArenas& arenas, const TrainedParam& param, const ArenaRange& part, int64_t place,
                         double rate, const at::Tensor& outcome) const {
  const int64_t first = part.begin - param.state_offset;
  const int64_t size = part.size();
  const bool like_states = arenas.values.numel() == states_[0].values.numel();
  const bool is_gate = param.spec.role == ParameterRole::kGate;
  const bool decays = !is_gate && param.spec.role != ParameterRole::kGain;
  const at::Tensor p = arenas.values.narrow(0, like_states ? place : param.value_offset + first, size);
  const at::Tensor g = arenas.gradients.narrow(0, param.spec.offset + first, size);
  const at::Tensor m = states_[0].values.narrow(0, place, size);
  const at::Tensor factor = outcome[is_gate ? kernels::kGateFactor : kernels::kGlobalFactor].to(at::kFloat);
  const at::Tensor applies = outcome[kernels::kApply].ne(0.0);  // stays on the device
  const at::Tensor new_m = config_.beta1 * m + (1.0 - config_.beta1) * factor * g;
  const at::Tensor new_p = p - rate * (at::sign(new_m) + (decays ? config_.weight_decay : 0.0) * p);
  m.copy_(at::where(applies, new_m, m));
  p.copy_(at::where(applies, new_p, p));
  if (arenas.copy.defined()) arenas.copy.narrow(0, param.value_offset + first, size).copy_(p);
}

}  // namespace strata::optim
