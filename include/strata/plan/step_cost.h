#pragma once

#include <string>
#include <vector>

#include "strata/base/table.h"
#include "strata/config/run_config.h"
#include "strata/kernels/launch_log.h"
#include "strata/nn/model_spec.h"

/// What a step on a GPU consists of, counted by the code that will ask for it, and how long it would take.
namespace strata::plan {

/// What one worker's GPU is asked for.
struct StepWork {
  std::vector<kernels::Launch> micro_batch;  // forward and backward of one
  std::vector<kernels::Launch> rest;         // of a step besides: sums of its parts, clipping
  std::vector<kernels::Launch> update;       // of the optimizer, as if workers did not share it
  int64_t micro_batches = 0;                 // of a step on this worker
  int64_t tokens = 0;                        // of a micro-batch; rows are full
};

/// Takes no memory that depends on the model. train.recompute must not be auto.
StepWork count_step(const config::RunConfig& config, const nn::ModelSpec& spec, int workers = 1);

int64_t launches_of(const std::vector<kernels::Launch>& work);

/// By phase and kernel, a line each: launches, megabytes, GFLOP.
Table launch_table(const std::vector<kernels::Launch>& work);

/// A GPU as src/plan/devices.json has it. Rates are those that programs reach, but for `peak`.
struct DeviceRates {
  std::string name;
  int64_t multiprocessors = 0;
  int64_t memory = 0;                  // bytes
  double peak = 0.0;                   // FLOP/s in bf16, of the data sheet
  double bf16 = 0.0, fp32 = 0.0;       // FLOP/s of large matrix products
  double bandwidth = 0.0, link = 0.0;  // bytes/s: of memory, and to another GPU
};
std::vector<std::string> device_names();
/// Throws UsageError, naming those that there are.
DeviceRates device_rates(const std::string& name);

/// Seconds.
struct StepTime {
  std::vector<std::pair<std::string, double>> phases;  // of a micro-batch on the device, the longest first
  double micro_batch = 0.0;                            // whichever is slower of device and host
  double rest = 0.0;                                   // sums, clipping
  double update = 0.0;                                 // of what one worker updates
  double communication = 0.0, exposed = 0.0;           // of a step, and what no backward pass hides
  double step = 0.0;
  bool waits_for_host = false;  // which enqueues more slowly than the device computes
};

/// config: that the work was counted of.
StepTime time_step(const StepWork& work, const DeviceRates& device, const config::RunConfig& config,
                   const nn::ModelSpec& spec, int workers = 1);

}  // namespace strata::plan
