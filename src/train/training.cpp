#include "strata/train/training.h"

#include "strata/base/check.h"
#include "strata/nn/of_config.h"
#include "strata/train/layer_statistics.h"

namespace strata::train {
namespace {

nn::ModelOptions options_for(const config::RunConfig& config, at::DeviceType device, const Partitions& partitions) {
  nn::ModelOptions options = nn::options_for(config, device);
  options.master_ranges = partitions.master_ranges(options.precision);
  return options;
}

nn::ModelSpec with_whole_buckets(nn::ModelSpec spec, const Partitions& partitions) {
  spec.layout.arena_size = partitions.values.padded_size();
  spec.trained.arena_size = partitions.gradients.padded_size();
  return spec;
}

}  // namespace

optim::OptimizerSetup setup_of(const config::RunConfig& config, const nn::Parameters& parameters,
                               const kernels::Gemm& gemm, at::DeviceType device) {
  return {.config = config.optimizer,
          .train_steps = config.train.steps,
          .gemm = &gemm,
          .products = device == at::kCPU ? at::kFloat : parameters.dtype(),
          .states = parameters.master().scalar_type(),
          .seed = static_cast<uint64_t>(config.run.seed)};
}

Training::Training(const config::RunConfig& config, const nn::ModelSpec& spec, const kernels::Gemm& gemm,
                   workers::Communicator& workers, const SaveGroup& group, Allocator& allocator)
    : division(divide(config, workers.world_size())),
      partitions(config, spec, workers.rank(), workers.world_size()),
      model(with_whole_buckets(spec, partitions), options_for(config, allocator.device_type(), partitions), gemm,
            allocator),
      parallel(config.parallel, division, partitions, model.parameters(), workers, allocator),
      optimizer(optim::make_optimizer(setup_of(config, model.parameters(), gemm, allocator.device_type()),
                                      trained_params(config, spec.layout, spec.trained), parallel.mine, allocator)),
      writer(config, model.parameters(), parallel.gather, *optimizer, partitions.states().mine(), workers.is_first(),
             group, allocator) {
  if (config.lisa.layers > 0) lisa.emplace(config, model, *optimizer);
  if (parallel.sharded) {
    model.set_before_section([this](const ArenaRange& section) { parallel.gather.wait_for(section); });
  }
}

void begin_lisa(Training& training) {
  if (!training.lisa) return;
  DataParallel& parallel = training.parallel;
  parallel.value_meter.measure(parallel.numbers.parameters, training.model.parameters().master());
  const at::Tensor numbers = parallel.numbers.parameters.cpu();
  const optim::ArenaMeasure measure =
      parallel.value_meter.measure_of({numbers.const_data_ptr<double>(), static_cast<size_t>(numbers.numel())});
  training.lisa->begin(norms_by_layer(training.model.spec().layout.params, measure.squares,
                                      static_cast<size_t>(training.model.spec().dims.layers)));
}

void restore_lisa(Training& training, const CheckpointState& saved) {
  STRATA_CHECK(training.lisa.has_value() == saved.lisa.has_value(), "the checkpoint was saved by a run ",
               saved.lisa ? "with" : "without", " LISA: lisa.layers cannot change between none and some");
  if (training.lisa) training.lisa->restore(*saved.lisa, saved.progress.step);
}

}  // namespace strata::train
