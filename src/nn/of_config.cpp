#include "strata/nn/of_config.h"

#include <algorithm>
#include <numeric>

#include "strata/base/integers.h"

namespace strata::nn {
namespace {

// Of a micro-batch, padding included.
int64_t max_tokens(const config::RunConfig& config, at::DeviceType device) {
  const int64_t multiple = batch_shape_for(config, device).token_multiple;
  const int64_t tokens = config.train.micro_batch * config.data.sequence_length;
  return quotient_up(tokens, multiple) * multiple;
}

// In a micro-batch, and the one that padding makes; packed rows hold documents of some length on average at least.
int64_t most_rows(const config::RunConfig& config) {
  constexpr int64_t kShortDocument = 16;  // tokens
  const bool by_document = config.data.rows == config::RowKind::kPacked &&
                           config.data.packed_attention == config::PackedAttention::kDocument;
  const int64_t of_a_row = by_document ? std::max<int64_t>(config.data.sequence_length / kShortDocument, 1) : 1;
  return config.train.micro_batch * of_a_row + 1;
}

}  // namespace

TrainedSet trained_set(const config::RunConfig& config, std::optional<std::vector<int64_t>> layers) {
  return {.gates = !config.sft.freezes_gates(), .layers = std::move(layers)};
}

ModelSpec describe(const config::RunConfig& config) {
  ModelSpec spec = describe(config.model, config.norm);
  std::optional<std::vector<int64_t>> layers;
  if (config.lisa.layers > 0) {
    layers.emplace(static_cast<size_t>(config.lisa.layers));
    std::iota(layers->begin(), layers->end(), int64_t{0});
  }
  spec.trained = trained_layout(spec.layout, trained_set(config, std::move(layers)));
  return spec;
}

TokenWork full_rows(const config::RunConfig& config) {
  return {.context = static_cast<double>(config.data.sequence_length),
          .trained_layers = config.lisa.layers > 0 ? config.lisa.layers : config.model.layers};
}

data::BatchShape batch_shape_for(const config::RunConfig& config, at::DeviceType device) {
  constexpr int64_t kTile = 128;
  data::BatchShape shape{.token_multiple = config.train.token_multiple};
  if (shape.token_multiple == 0) shape.token_multiple = device == at::kCPU ? 1 : kTile;
  if (!config.train.cuda_graph) return shape;
  shape.fixed_longest = config.data.sequence_length;
  shape.fixed_rows = most_rows(config);
  return shape;
}

int64_t micro_batch_for(const config::RunConfig& config, at::DeviceType device) {
  const config::TrainConfig& train = config.train;
  if (train.micro_batch != config::TrainConfig::kAutoMicroBatch) return train.micro_batch;
  const int64_t most = std::max<int64_t>((device == at::kCPU ? 2048 : 16384) / config.data.sequence_length, 1);
  const int64_t parts = config.parallel.virtual_ranks > 0 ? config.parallel.virtual_ranks : 8;
  const int64_t shared = std::gcd(train.global_batch, parts);
  int64_t best = 1;
  for (int64_t size = 1; size <= std::min(most, train.global_batch / shared); ++size) {
    if (train.global_batch % size == 0 && (train.global_batch / size) % shared == 0) best = size;
  }
  return best;
}

int64_t loss_chunk_for(const config::RunConfig& config, at::DeviceType device) {
  if (config.train.loss_chunk != config::TrainConfig::kLossChunkOfDevice) return config.train.loss_chunk;
  return device == at::kCPU ? 256 : 4096;
}

ModelOptions options_for(const config::RunConfig& config, at::DeviceType device) {
  const bool is_auto = config.train.precision == config::Precision::kAuto;
  const auto suits = device == at::kCPU ? config::Precision::kFp32 : config::Precision::kMixed;
  return {.precision = is_auto ? suits : config.train.precision,
          .limits = {.max_tokens = max_tokens(config, device),
                     .longest_row = config.data.sequence_length,
                     .most_rows = most_rows(config),
                     .trees = device == at::kCPU && !config.evaluate.tasks.names.empty()},
          .loss_chunk = loss_chunk_for(config, device),
          .recompute = config.train.recompute};
}

}  // namespace strata::nn
