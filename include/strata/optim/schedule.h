#pragma once

#include <cstdint>

#include "strata/config/optimizer.h"

namespace strata::optim {

/// The learning rate as a function of the step alone: nothing to save.
class Schedule {
 public:
  /// train_steps: train.steps, the length where schedule.steps does not give one.
  /// Throws config::KeyError for a warm-up, and under wsd a decay, that are longer than the schedule.
  Schedule(const config::ScheduleConfig& config, double peak, int64_t train_steps);

  /// The rate of update `step`, from 0.
  double rate(int64_t step) const { return peak_ * factor(step); }

  /// Updates that a run makes: train.steps, and one more under `reference` and `wsd_reference`, as their code does.
  int64_t updates() const { return updates_; }

 private:
  double factor(int64_t step) const;

  config::ScheduleConfig config_;
  double peak_;
  int64_t steps_;
  int64_t updates_;
};

}  // namespace strata::optim
