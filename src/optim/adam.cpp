#include "adam.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>

#include "strata/base/seed.h"
#include "strata/kernels/clip.h"

namespace strata::optim {

Adam::Adam(const config::OptimizerConfig& config, const std::vector<ParamSpec>& params,
           const std::vector<ArenaRange>& ranges, at::ScalarType dtype, uint64_t seed, Allocator& allocator)
    : config_(config), seed_(derive_seed(seed, "rounding")), ranges_(ranges) {
  int64_t size = 0;
  for (const ArenaRange& range : ranges) size += range.size();
  for (const char* name : {"m", "v"}) {
    states_.push_back({name, allocator.zeros(MemoryClass::kMoments, str("adam ", name), {size}, dtype)});
  }
  const auto is_gate = [&](size_t i) { return params[i].role == ParameterRole::kGate; };
  const auto decays = [&](size_t i) { return !is_gate(i) && params[i].role != ParameterRole::kGain; };
  for (size_t first = 0, next = 0; first < params.size(); first = next) {
    while (next < params.size() && is_gate(next) == is_gate(first) && decays(next) == decays(first)) ++next;
    const ParamSpec& last = params[next - 1];  // what lies between is padding
    add_run({params[first].offset, last.offset + last.count()}, decays(first), is_gate(first));
  }
}

// What of it is in the optimizer's ranges.
void Adam::add_run(const ArenaRange& range, bool decays, bool gate) {
  int64_t place = 0;
  for (const ArenaRange& mine : ranges_) {
    const ArenaRange common{std::max(range.begin, mine.begin), std::min(range.end, mine.end)};
    if (common.begin < common.end) runs_.push_back({common, place + common.begin - mine.begin, decays, gate});
    place += mine.size();
  }
}

void Adam::update(const UpdateArenas& arenas, int64_t step, double rate, const at::Tensor& clip) {
  const auto count = static_cast<double>(step + 1);
  kernels::AdamUpdate update{.rate = rate,
                             .beta1 = config_.beta1,
                             .beta2 = config_.beta2,
                             .eps = config_.eps,
                             .decoupled = config_.kind == config::OptimizerKind::kAdamw,
                             .correction1 = 1.0 - std::pow(config_.beta1, count),
                             .correction2 = 1.0 - std::pow(config_.beta2, count),
                             .stochastic = config_.rounding == config::Rounding::kStochastic,
                             .random_key = mix_bits(seed_ + static_cast<uint64_t>(step))};
  for (const Run& run : runs_) {
    const auto part = [&](const at::Tensor& arena) {
      return arena.defined() ? arena.narrow(0, run.range.begin, run.range.size()) : arena;
    };
    const auto state = [&](size_t index) { return states_[index].values.narrow(0, run.place, run.range.size()); };
    update.first = run.range.begin;
    update.decay = run.decays ? config_.weight_decay : 0.0;
    kernels::adam(
        update,
        {.value = part(arenas.values),
         .gradient = part(arenas.gradients),
         .m = state(0),
         .v = state(1),
         .copy = part(arenas.copy)},
        {.factor = clip[run.gate ? kernels::kGateFactor : kernels::kGlobalFactor], .apply = clip[kernels::kApply]});
  }
}

}  // namespace strata::optim
