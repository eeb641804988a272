#include "strata/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "strata/config/key_error.h"

namespace strata::optim {
namespace {

// Half a cosine from 1 at progress 0 to `low` at progress 1.
double cosine(double progress, double low) {
  return low + (1.0 - low) * 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
}

double linear(double progress, double low) { return 1.0 - (1.0 - low) * progress; }

// The schedule of the paper's code (GaLore's trainer): it starts at 0, and anew where it is asked for more steps than
// it has.
double reference(int64_t step, int64_t steps, int64_t warmup, double low) {
  constexpr double kNearlyNothing = 1e-7;
  const int64_t in_cycle = step % steps;
  if (in_cycle < warmup) {
    if (in_cycle != step && in_cycle < 2) return kNearlyNothing;
    return static_cast<double>(in_cycle) / static_cast<double>(warmup);
  }
  return cosine(static_cast<double>(in_cycle - warmup) / static_cast<double>(steps - warmup), low);
}

// That of ProRes's code: the first update at 0, the first of the decay still at the peak.
double wsd_reference(int64_t step, int64_t steps, int64_t warmup, int64_t decay) {
  const auto ratio = [](int64_t part, int64_t whole) { return static_cast<double>(part) / static_cast<double>(whole); };
  if (step < warmup) return ratio(step, warmup);
  if (step < steps - decay) return 1.0;
  return step < steps ? ratio(steps - step, decay) : 0.0;
}

bool has_one_update_more(config::ScheduleKind kind) {
  return kind == config::ScheduleKind::kReference || kind == config::ScheduleKind::kWsdReference;
}

}  // namespace

Schedule::Schedule(const config::ScheduleConfig& config, double peak, int64_t train_steps)
    : config_(config),
      peak_(peak),
      steps_(config.steps > 0 ? config.steps : train_steps),
      updates_(train_steps + (has_one_update_more(config.kind) ? 1 : 0)) {
  const bool decays_at_end =
      config_.kind == config::ScheduleKind::kWsd || config_.kind == config::ScheduleKind::kWsdReference;
  if (decays_at_end && config_.warmup_steps + config_.decay_steps > steps_) {
    throw config::KeyError("schedule.decay_steps",
                           str(config_.decay_steps, " and schedule.warmup_steps=", config_.warmup_steps,
                               " are more than the schedule's ", steps_, " steps"));
  }
  if (config_.decay_steps == 0) config_.decay_steps = std::max<int64_t>(1, steps_ / 10);
  if (config_.warmup_steps > steps_) {
    throw config::KeyError("schedule.warmup_steps",
                           str(config_.warmup_steps, " is more than the schedule's ", steps_, " steps"));
  }
}

double Schedule::factor(int64_t step) const {
  const int64_t warmup = config_.warmup_steps;
  const double low = config_.min_ratio;
  if (config_.kind == config::ScheduleKind::kReference) return reference(step, steps_, warmup, low);
  if (config_.kind == config::ScheduleKind::kWsdReference) {
    return wsd_reference(step, steps_, warmup, config_.decay_steps);
  }
  if (step < warmup) return static_cast<double>(step + 1) / static_cast<double>(warmup);
  const auto progress_from = [&](int64_t begin) {
    const double length = static_cast<double>(std::max<int64_t>(1, steps_ - begin));
    return std::clamp(static_cast<double>(step - begin) / length, 0.0, 1.0);
  };
  switch (config_.kind) {
    case config::ScheduleKind::kCosine:
      return cosine(progress_from(warmup), low);
    case config::ScheduleKind::kLinear:
      return linear(progress_from(warmup), low);
    case config::ScheduleKind::kWsd:
      return linear(progress_from(std::max(warmup, steps_ - config_.decay_steps)), low);
    default:
      return 1.0;
  }
}

}  // namespace strata::optim
