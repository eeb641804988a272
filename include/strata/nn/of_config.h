#pragma once

#include "strata/config/run_config.h"
#include "strata/nn/model.h"
#include "strata/nn/trained.h"

// What a run's config says of its model.
namespace strata::nn {

/// What a run trains, of these layers; none: of all.
TrainedSet trained_set(const config::RunConfig& config, std::optional<std::vector<int64_t>> layers = {});

/// The model of a run, with room for the gradients of what it trains at a time (lisa.layers; sft.train_gates). With
/// LISA these are the first layers, until others are drawn.
ModelSpec describe(const config::RunConfig& config);

/// Of a run whose rows are full, all of it scored.
TokenWork full_rows(const config::RunConfig& config);

/// train.micro_batch, where it is auto as it suits the device: so many rows that products are large, and, as far as
/// train.global_batch can be divided so, that every virtual rank of a fixed order has a micro-batch. A function of the
/// config and the kind of device alone: numbers depend on it, so that memory and the number of workers must not matter.
int64_t micro_batch_for(const config::RunConfig& config, at::DeviceType device = at::kCPU);

/// train.loss_chunk, where it is auto as it suits the device: on the CPU rows whose logits stay in a cache, on a GPU so
/// many that the head's gradient, which every chunk adds to, is not what takes the time.
int64_t loss_chunk_for(const config::RunConfig& config, at::DeviceType device = at::kCPU);

/// What a run of this config asks for on such a device: micro-batches of rows that are all as long as they may be.
/// train.precision: auto is mixed on a device, fp32 on the CPU. train.recompute is taken as it is.
ModelOptions options_for(const config::RunConfig& config, at::DeviceType device = at::kCPU);

/// How batches of such a run are shaped: padded as train.token_multiple says (0: to whole tiles of matrix products on a
/// device, not at all on the CPU), and all alike where CUDA graphs want them so.
data::BatchShape batch_shape_for(const config::RunConfig& config, at::DeviceType device = at::kCPU);

}  // namespace strata::nn
