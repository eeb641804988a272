#pragma once

#include <optional>
#include <string>
#include <vector>

#include "strata/base/table.h"
#include "strata/plan/memory_plan.h"
#include "strata/plan/run_cost.h"
#include "strata/plan/step_cost.h"

/// Plans as tables for people.
namespace strata::plan {

/// What is known of the machines that a plan is for.
struct Machine {
  Place place;
  int64_t memory = 0;                      // bytes of a worker's device, or of the host for its processor
  int64_t taken = 0;                       // of them, by what is not in the plan
  std::string taken_by;                    // its name in tables
  double flops_per_second = 0.0;           // of one worker; 0: not known
  std::string rate;                        // where they come from
  std::optional<DeviceRates> device = {};  // then times are those of its launches

  int64_t room() const { return memory - taken; }
};

/// A config to plan for, by the name that it goes by.
struct PlannedRun {
  std::string name;
  config::RunConfig config;
  nn::ModelSpec spec;
};

/// Bytes by class in the memory that a worker computes in; `taken` by what is not in the plan, 0: leave it out.
Table memory_table(const MemoryPlan& plan, int64_t taken = 0, const std::string& taken_by = "");

/// Everything about one run: memory, what fits, work and time, checkpoints.
std::string plan_report(const PlannedRun& run, const Machine& machine);

/// Many runs, a line each, of overview_line's cells: at the end times, and of a device's launches the model MFU.
Table overview_table(bool has_times, bool has_utilisation = false);
std::vector<std::string> overview_line(const PlannedRun& run, const Machine& machine);

}  // namespace strata::plan
