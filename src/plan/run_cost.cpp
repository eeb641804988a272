#include "strata/plan/run_cost.h"

#include <algorithm>
#include <memory>

#include "strata/nn/of_config.h"
#include "strata/nn/parameters.h"
#include "strata/optim/optimizer.h"
#include "strata/optim/schedule.h"
#include "strata/train/lisa.h"

namespace strata::plan {
namespace {

// Multiply-adds times two. ffn: gate and up once more; layer: its whole forward pass.
double recomputed_flops(const config::ModelConfig& dims, int64_t context, config::Recompute recompute) {
  const int64_t gate_up = 2 * dims.hidden * dims.intermediate;
  const auto layers = static_cast<double>(dims.layers);
  switch (recompute) {
    case config::Recompute::kFfn:
      return 2.0 * layers * static_cast<double>(gate_up);
    case config::Recompute::kLayer: {
      const int64_t head = dims.vocab * dims.hidden;  // the forward pass is a third of all
      return nn::flops_per_token(dims, context) / 3.0 - 2.0 * static_cast<double>(head);
    }
    default:
      return 0.0;
  }
}

// Of all that is trained, without memory.
std::unique_ptr<optim::Optimizer> optimizer_of(const config::RunConfig& config, const nn::ModelSpec& spec,
                                               const kernels::Gemm& gemm) {
  Allocator plan = Allocator::planning();
  const int64_t size = std::max(spec.layout.arena_size, spec.trained.arena_size);
  return optim::make_optimizer({.config = config.optimizer, .train_steps = config.train.steps, .gemm = &gemm},
                               train::trained_params(config, spec.layout, spec.trained), {{0, size}}, plan);
}

// Elements, without padding.
int64_t count_states(const optim::Optimizer& optimizer) {
  int64_t count = 0;
  for (const auto& state : optimizer.states()) {
    for (const ParamSpec& param : optimizer.params()) count += optim::has_state(param, state) ? param.count() : 0;
  }
  return count;
}

int64_t kept_at_the_end(const config::CheckpointConfig& config, int64_t steps) {
  const int64_t written = config.every > 0 ? (steps + config.every - 1) / config.every : 1;
  if (config.keep == 0) return written;
  const int64_t milestones = config.keep_every > 0 && config.every > 0 ? steps / config.keep_every : 0;
  return std::min(written, config.keep + milestones + config.keep_best);
}

}  // namespace

RunCost cost_of(const config::RunConfig& config, const nn::ModelSpec& spec) {
  const int64_t context = config.data.sequence_length;
  const int64_t steps = optim::Schedule(config.schedule, config.optimizer.lr, config.train.steps).updates();
  const auto element = static_cast<int64_t>(at::elementSize(nn::stored_dtype(config.train.precision)));
  const auto gemm = kernels::make_gemm("tiles");  // never called
  const auto optimizer = optimizer_of(config, spec, *gemm);
  return {.flops_per_token = nn::flops_per_token(config.model, nn::full_rows(config)),
          .recomputed_per_token = recomputed_flops(config.model, context, config.train.recompute),
          .update = optimizer->flops_per_update(),
          .tokens_per_step = config.train.global_batch * context,
          .steps = steps,
          .checkpoint_bytes = element * (spec.layout.count() + count_states(*optimizer)),
          .kept_checkpoints = kept_at_the_end(config.checkpoint, steps),
          .keeps_all = config.checkpoint.keep == 0};
}

}  // namespace strata::plan
