#include "adam.h"

#include <cmath>

namespace strata::optim {

Adam::Adam(const config::OptimizerConfig& config, const std::vector<ParamSpec>& params, int64_t arena_size,
           at::ScalarType dtype, Allocator& allocator)
    : config_(config) {
  for (const char* name : {"m", "v"}) {
    states_.push_back({name, allocator.zeros(MemoryClass::kMoments, str("adam ", name), {arena_size}, dtype)});
  }
  for (const ParamSpec& param : params) {
    const bool gate = param.role == ParameterRole::kGate;
    const bool decays = !gate && param.role != ParameterRole::kGain;
    const ArenaRange range{param.offset, param.offset + param.count()};
    if (!runs_.empty() && runs_.back().decays == decays && runs_.back().gate == gate) {
      runs_.back().range.end = range.end;  // what lies between is padding
    } else {
      runs_.push_back({range, decays, gate});
    }
  }
}

void Adam::update(const UpdateArenas& arenas, int64_t step, double rate, const ClipFactors& clip) {
  const auto count = static_cast<double>(step + 1);
  kernels::AdamUpdate update{.rate = rate,
                             .beta1 = config_.beta1,
                             .beta2 = config_.beta2,
                             .eps = config_.eps,
                             .decoupled = config_.kind == config::OptimizerKind::kAdamw,
                             .correction1 = 1.0 - std::pow(config_.beta1, count),
                             .correction2 = 1.0 - std::pow(config_.beta2, count)};
  for (const Run& run : runs_) {
    const auto part = [&](const at::Tensor& arena) {
      return arena.defined() ? arena.narrow(0, run.range.begin, run.range.end - run.range.begin) : arena;
    };
    update.decay = run.decays ? config_.weight_decay : 0.0;
    update.gradient_scale = run.gate ? clip.gates : clip.global;
    kernels::adam(update, part(arenas.values), part(arenas.gradients), part(states_[0].arena), part(states_[1].arena),
                  part(arenas.copy));
  }
}

}  // namespace strata::optim
