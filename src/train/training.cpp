#include "strata/train/training.h"

namespace strata::train {
namespace {

nn::ModelSpec with_whole_buckets(nn::ModelSpec spec, const dist::Partition& partition) {
  spec.layout.arena_size = partition.padded_size();
  return spec;
}

TrainingArenas arenas_of(const nn::Model& model, const optim::Optimizer& optimizer, const dist::Communicator& workers) {
  return {.parameters = workers.is_first() ? model.parameters().master() : at::Tensor(),
          .optimizer = states_of(optimizer)};
}

}  // namespace

Training::Training(const config::RunConfig& config, const nn::ModelSpec& spec, const kernels::Gemm& gemm,
                   dist::Communicator& workers, const SaveGroup& group, Allocator& memory)
    : division(divide(config, workers.world_size())),
      partition(partition_of(config, spec.layout, workers.rank(), workers.world_size())),
      model(with_whole_buckets(spec, partition), nn::options_for(config, memory.device_type()), gemm, memory),
      parallel(config.parallel, division, partition, model.parameters(), workers, memory),
      optimizer(optim::make_optimizer(config.optimizer, spec.layout.params, parallel.mine,
                                      model.parameters().master().scalar_type(), static_cast<uint64_t>(config.run.seed),
                                      memory)),
      writer(config, model.spec().layout, arenas_of(model, *optimizer, workers), partition.mine(), group, memory) {
  if (parallel.sharded) {
    model.set_before_section([this](const ArenaRange& section) { parallel.gather.wait_for(section); });
  }
}

}  // namespace strata::train
