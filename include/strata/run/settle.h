#pragma once

#include <memory>
#include <string>
#include <vector>

#include "strata/config/run_config.h"
#include "strata/data/token_batch.h"
#include "strata/nn/model_spec.h"
#include "strata/optim/schedule.h"
#include "strata/plan/memory_plan.h"
#include "strata/run/input.h"
#include "strata/run/workers.h"

/// Where a config is finished: what a key leaves open follows from other keys, from the samples, and from the memory
/// that there is.
namespace strata::run {

/// The config at `path` with overrides, with its scheme checked too. Errors carry their place. With sft.model, model
/// and norm are that folder's (other values are an error), and so is the tokenizer unless data.tokenizer names one.
config::RunConfig load_config(const std::string& path, const std::vector<std::string>& overrides = {});

/// What load_config checks, of a config that a program made. Throws UsageError, naming the key.
void check_config(const config::RunConfig& config);

/// Keys with another value than their default that nothing reads under this config, each a sentence that says what it
/// would need.
std::vector<std::string> idle_keys(const config::RunConfig& config);

/// The config with what its input decides: train.steps, which for fine-tuning are what sft.epochs come to, and
/// data.rows; and train.loss_chunk as the device has it.
config::RunConfig complete(config::RunConfig config, const RunInput& input);
/// The config with the train.steps of the input that it names; reads the samples of fine-tuning. Throws what the input
/// throws.
config::RunConfig with_steps(const config::RunConfig& config);

/// A config as it runs, and what follows from it. Nothing of it changes any more; what needs it refers to this one.
struct Settled {
  config::RunConfig config;  // neither train.recompute nor data.rows is auto
  nn::ModelSpec spec;
  data::BatchShape batch_shape;
  optim::Schedule schedule;
  plan::MemoryPlan memory;  // of this worker
};

/// A collective, before anything large is taken: settles train.recompute, the same on all workers, so that the run fits
/// into the memory of every host. Throws UsageError, on all of them, where it cannot. config: complete.
std::unique_ptr<const Settled> settle(config::RunConfig config, const RunDevice& device, const Workers& workers);

}  // namespace strata::run
