#include "arena_optimizer.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>
#include <ranges>

#include "strata/base/check.h"
#include "strata/base/seed.h"
#include "strata/config/enums.h"
#include "strata/kernels/clip.h"

namespace strata::optim {
namespace {

ArenaRange states_of(const TrainedParam& param) {
  return {param.state_offset, param.state_offset + param.spec.arena_count()};
}

// What of the range is not in `without`.
void cut_out(std::vector<ArenaRange>& ranges, const ArenaRange& without) {
  std::vector<ArenaRange> left;
  for (const ArenaRange& range : ranges) {
    if (common(range, without).size() <= 0) {
      left.push_back(range);
      continue;
    }
    if (range.begin < without.begin) left.push_back({range.begin, without.begin});
    if (without.end < range.end) left.push_back({without.end, range.end});
  }
  ranges = left;
}

}  // namespace

ArenaOptimizer::ArenaOptimizer(const OptimizerSetup& setup, const Trained& trained,
                               const std::vector<ArenaRange>& ranges, const std::vector<StateKind>& states,
                               Allocator& allocator, bool (*moves_whole)(const ParamSpec&))
    : config_(setup.config),
      seed_(derive_seed(setup.seed, "rounding")),
      moves_whole_(moves_whole),
      ranges_(ranges),
      trained_(trained) {
  const std::string_view kind =
      config_.kind == config::OptimizerKind::kAdamw ? "adam" : config::enum_name(config_.kind);
  for (const StateKind& state : states) {
    const std::vector<ArenaRange> of_state = ranges_of(state);
    states_.push_back({.name = state.name,
                       .values = allocator.zeros(MemoryClass::kMoments, str(kind, " ", state.name),
                                                 {total_size(of_state)}, setup.states),
                       .ranges = of_state,
                       .is_of = state.is_of});
  }
  find_runs();
}

std::vector<ArenaRange> ArenaOptimizer::ranges_of(const StateKind& kind) const {
  std::vector<ArenaRange> ranges = ranges_;
  if (kind.is_of == nullptr) return ranges;
  for (const ParamSpec& param : trained_.with_states) {
    if (!kind.is_of(param)) cut_out(ranges, place_of(param));
  }
  return ranges;
}

// What lies between is padding.
bool ArenaOptimizer::Run::is_followed_by(const Run& next) const {
  const int64_t distance = next.value - value;
  return distance - size < kArenaAlignment && next.gradient - gradient == distance && next.state - state == distance &&
         next.missed == missed && next.gate == gate && next.settings == settings;
}

// The elements whose states are at `states`.
ArenaOptimizer::Run ArenaOptimizer::Run::part(const ArenaRange& states) const {
  Run run = *this;
  const int64_t first = states.begin - state;
  run.value += first;
  run.gradient += first;
  run.state = states.begin;
  run.size = states.size();
  return run;
}

ArenaOptimizer::Run ArenaOptimizer::run_of(const TrainedParam& param) const {
  return {.value = param.value_offset,
          .gradient = param.spec.offset,
          .state = param.state_offset,
          .size = param.spec.arena_count(),
          .missed = param.missed,
          .gate = param.spec.role == ParameterRole::kGate,
          .settings = settings_of(config_, param.spec)};
}

void ArenaOptimizer::add_whole(const TrainedParam& param) {
  const Run run = run_of(param);
  each_part(ranges_, run.states(), [&](const ArenaRange& part, int64_t) {
    STRATA_ASSERT(part == run.states());
    wholes_.push_back({param.spec, run});
  });
}

void ArenaOptimizer::find_runs() {
  std::vector<Run> runs;
  wholes_.clear();
  for (const TrainedParam& param : trained_.params) {
    if (moves_whole_(param.spec)) {
      add_whole(param);
      continue;
    }
    const Run run = run_of(param);
    if (!runs.empty() && runs.back().is_followed_by(run)) {
      runs.back().size = run.value + run.size - runs.back().value;
    } else {
      runs.push_back(run);
    }
  }
  runs_.clear();
  for (const Run& run : runs) {
    each_part(ranges_, run.states(), [&](const ArenaRange& part, int64_t) { runs_.push_back(run.part(part)); });
  }
}

std::vector<ParamSpec> ArenaOptimizer::whole_params() const {
  std::vector<ParamSpec> params;
  for (const Whole& whole : wholes_) params.push_back(whole.param);
  return params;
}

// Undefined where the state has nothing there; it has all or nothing of a parameter.
at::Tensor ArenaOptimizer::part_of(const State& state, const ArenaRange& states) const {
  at::Tensor found;
  each_part(ranges_of(state), states, [&](const ArenaRange& part, int64_t place) {
    STRATA_ASSERT(part == states);
    found = state.values.narrow(0, place, part.size());
  });
  return found;
}

// Both lists are in the order of the layers, so that what moves down never lands on what has yet to move, if the lowest
// goes first; and the other way round.
void ArenaOptimizer::move_states(const Trained& from, const Trained& to) const {
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
      if ((down ? distance < 0 : distance > 0) && has_state(step.after->spec, state)) {
        part_of(state, states_of(*step.after)).copy_(part_of(state, states_of(*step.before)));
      }
    };
    for (const Move& step : moves) move(step, true);
    for (const Move& step : std::views::reverse(moves)) move(step, false);
    for (const TrainedParam* param : comers) {
      if (has_state(param->spec, state) && is_taken(*param)) part_of(state, states_of(*param)).zero_();
    }
  }
}

void ArenaOptimizer::train(const Trained& trained) {
  STRATA_ASSERT(ranges_.size() == 1 && ranges_.front().begin == 0);
  move_states(trained_, trained);
  trained_ = trained;
  find_runs();
}

ArenaOptimizer::RunArrays ArenaOptimizer::arrays_of(const Run& run, const UpdateArenas& arenas) const {
  const auto part = [&](const at::Tensor& arena, int64_t begin) {
    return arena.defined() ? arena.narrow(0, begin, run.size) : arena;
  };
  int64_t value = -1;
  const ArenaRange values{run.value, run.value + run.size};
  each_part(arenas.value_ranges, values, [&](const ArenaRange& there, int64_t place) {
    STRATA_ASSERT(there == values);
    value = place;
  });
  STRATA_ASSERT(value >= 0);
  RunArrays arrays{.value = part(arenas.values, value),
                   .gradient = part(arenas.gradients, run.gradient),
                   .states = {},
                   .copy = part(arenas.copy, run.value)};
  for (const State& state : states_) arrays.states.push_back(part_of(state, run.states()));
  return arrays;
}

ArenaOptimizer::RunUpdate ArenaOptimizer::update_of(const Run& run, int64_t step, double rate,
                                                    const at::Tensor& outcome) const {
  const auto count = static_cast<double>(step + 1 - run.missed);
  return {.settings = run.settings,
          .rate = rate * run.settings.rate_factor,
          .count = count,
          .correction1 = 1.0 - std::pow(run.settings.beta1, count),
          .correction2 = 1.0 - std::pow(run.settings.beta2, count),
          .chance = {.stochastic = config_.rounding == config::Rounding::kStochastic,
                     .random_key = mix_bits(seed_ + static_cast<uint64_t>(step)),
                     .first = run.value},
          .scale = {.factor = outcome[run.gate ? kernels::kGateFactor : kernels::kGlobalFactor],
                    .apply = outcome[kernels::kApply]}};
}

void ArenaOptimizer::update(const UpdateArenas& arenas, int64_t step, double rate, const at::Tensor& outcome) {
  for (const Run& run : runs_) update_run(arrays_of(run, arenas), update_of(run, step, rate, outcome));
  for (const Whole& whole : wholes_) {
    update_whole(whole.param, arrays_of(whole.run, arenas), update_of(whole.run, step, rate, outcome));
  }
}

void ArenaOptimizer::update_whole(const ParamSpec&, const RunArrays&, const RunUpdate&) {
  throw std::logic_error("an optimizer that moves parameters whole has to say how");
}

}  // namespace strata::optim
