#include "adam.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>
#include <ranges>

#include "strata/base/check.h"
#include "strata/base/seed.h"
#include "strata/kernels/clip.h"

namespace strata::optim {

Adam::Adam(const config::OptimizerConfig& config, const Trained& trained, const std::vector<ArenaRange>& ranges,
           at::ScalarType dtype, uint64_t seed, Allocator& allocator)
    : config_(config), seed_(derive_seed(seed, "rounding")), ranges_(ranges), trained_(trained) {
  for (const char* name : {"m", "v"}) {
    states_.push_back({name, allocator.zeros(MemoryClass::kMoments, str("adam ", name), {total_size(ranges)}, dtype)});
  }
  find_runs();
}

// What lies between is padding.
bool Adam::Run::is_followed_by(const Run& next) const {
  const int64_t distance = next.value - value;
  return distance - size < kArenaAlignment && next.gradient - gradient == distance && next.state - state == distance &&
         next.missed == missed && next.gate == gate && next.settings == settings;
}

// The elements whose states are at `states`.
Adam::Run Adam::Run::part(const ArenaRange& states) const {
  Run run = *this;
  const int64_t first = states.begin - state;
  run.value += first;
  run.gradient += first;
  run.state = states.begin;
  run.size = states.size();
  return run;
}

Adam::Run Adam::run_of(const TrainedParam& param) const {
  return {.value = param.value_offset,
          .gradient = param.spec.offset,
          .state = param.state_offset,
          .size = param.spec.arena_count(),
          .missed = param.missed,
          .gate = param.spec.role == ParameterRole::kGate,
          .settings = settings_of(config_, param.spec)};
}

void Adam::find_runs() {
  std::vector<Run> whole;
  for (const TrainedParam& param : trained_.params) {
    const Run run = run_of(param);
    if (!whole.empty() && whole.back().is_followed_by(run)) {
      whole.back().size = run.value + run.size - whole.back().value;
    } else {
      whole.push_back(run);
    }
  }
  runs_.clear();
  for (const Run& run : whole) {
    each_part(ranges_, {run.state, run.state + run.size}, [&](const ArenaRange& states, int64_t place) {
      runs_.push_back(run.part(states));
      runs_.back().state = place;
    });
  }
}

at::Tensor Adam::state_of(const at::Tensor& values, const TrainedParam& param) const {
  return values.narrow(0, param.state_offset, param.spec.arena_count());
}

// Both lists are in the order of the layers, so that what moves down never lands on what has yet to move, if the lowest
// goes first; and the other way round.
void Adam::move_states(const Trained& from, const Trained& to) const {
  struct Move {
    const TrainedParam* before;
    const TrainedParam* after;
  };
  std::vector<Move> moves;
  std::vector<const TrainedParam*> comers;
  for (const TrainedParam& after : to.params) {
    const auto before =
        std::ranges::find(from.params, after.spec.name, [](const TrainedParam& param) { return param.spec.name; });
    if (before == from.params.end()) {
      comers.push_back(&after);
    } else {
      moves.push_back({&*before, &after});
    }
  }
  const auto is_taken = [&](const TrainedParam& place) {
    return std::ranges::find(from.params, place.state_offset, &TrainedParam::state_offset) != from.params.end();
  };
  for (const State& state : states_) {
    const auto move = [&](const Move& step, bool down) {
      const int64_t distance = step.after->state_offset - step.before->state_offset;
      if (down ? distance < 0 : distance > 0) {
        state_of(state.values, *step.after).copy_(state_of(state.values, *step.before));
      }
    };
    for (const Move& step : moves) move(step, true);
    for (const Move& step : std::views::reverse(moves)) move(step, false);
    for (const TrainedParam* param : comers) {
      if (is_taken(*param)) state_of(state.values, *param).zero_();
    }
  }
}

void Adam::train(const Trained& trained) {
  STRATA_ASSERT(ranges_.size() == 1 && ranges_.front().begin == 0);
  move_states(trained_, trained);
  trained_ = trained;
  find_runs();
}

void Adam::update(const UpdateArenas& arenas, int64_t step, double rate, const at::Tensor& outcome) {
  kernels::AdamUpdate update{.rate = rate,
                             .beta1 = 0.0,
                             .beta2 = 0.0,
                             .eps = 0.0,
                             .decoupled = config_.kind == config::OptimizerKind::kAdamw,
                             .stochastic = config_.rounding == config::Rounding::kStochastic,
                             .random_key = mix_bits(seed_ + static_cast<uint64_t>(step))};
  const bool like_states = arenas.values.numel() == total_size(ranges_);
  for (const Run& run : runs_) {
    const auto part = [&](const at::Tensor& arena, int64_t begin) {
      return arena.defined() ? arena.narrow(0, begin, run.size) : arena;
    };
    const auto count = static_cast<double>(step + 1 - run.missed);
    const Settings& settings = run.settings;
    update.rate = rate * settings.rate_factor;
    update.beta1 = settings.beta1;
    update.beta2 = settings.beta2;
    update.eps = settings.eps;
    update.correction1 = 1.0 - std::pow(settings.beta1, count);
    update.correction2 = 1.0 - std::pow(settings.beta2, count);
    update.first = run.value;
    update.decay = settings.weight_decay;
    kernels::adam({.value = part(arenas.values, like_states ? run.state : run.value),
                   .gradient = part(arenas.gradients, run.gradient),
                   .m = part(states_[0].values, run.state),
                   .v = part(states_[1].values, run.state),
                   .copy = part(arenas.copy, run.value)},
                  update,
                  {.factor = outcome[run.gate ? kernels::kGateFactor : kernels::kGlobalFactor],
                   .apply = outcome[kernels::kApply]});
  }
}

}  // namespace strata::optim
