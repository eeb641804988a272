#include "support/models.h"

#include <random>

namespace strata::test {

TestModel::TestModel(const nn::ModelSpec& spec, nn::ModelOptions options, const std::string& gemm_name)
    : TestModel(spec, options, kernels::make_gemm(gemm_name), at::kCPU) {}

TestModel::TestModel(const nn::ModelSpec& spec, nn::ModelOptions options, std::unique_ptr<kernels::Gemm> given,
                     at::Device device)
    : gemm(std::move(given)), allocator(device), model(spec, options, *gemm, allocator) {}

TensorMap TestModel::parameters() const {
  TensorMap map;
  for (const ParamSpec& param : model.spec().layout.params) map[param.name] = model.parameters().value(param.name);
  return map;
}

TensorMap TestModel::gradients() const {
  TensorMap map;
  for (const ParamSpec& param : model.spec().layout.params) map[param.name] = model.parameters().gradient(param.name);
  return map;
}

config::ModelConfig tiny_dims() {
  config::ModelConfig dims;
  dims.vocab = 61;
  dims.hidden = 40;
  dims.intermediate = 43;
  dims.layers = 4;
  dims.heads = 4;
  dims.kv_heads = 2;
  return dims;
}

config::ModelConfig nine_million_dims() {
  config::ModelConfig dims;
  dims.hidden = 128;
  dims.intermediate = 352;
  dims.layers = 4;
  dims.heads = 4;
  return dims;
}

nn::ModelOptions tiny_options() { return {.limits = {.max_tokens = 160, .longest_row = 90}, .loss_chunk = 24}; }

data::TokenBatch tiny_batch(int64_t vocab, uint64_t seed) {
  std::mt19937_64 random(seed);
  data::TokenRows rows, labels;
  for (const int64_t length : {17, 1, 83, 30}) {
    std::vector<int64_t> row;
    for (int64_t t = 0; t < length; ++t) row.push_back(static_cast<int64_t>(random() % static_cast<uint64_t>(vocab)));
    labels.push_back(row);
    if (length > 20) labels.back()[11] = labels.back()[12] = data::kIgnore;
    rows.push_back(std::move(row));
  }
  return data::TokenBatch::from_rows(rows, &labels, vocab);
}

void randomise(nn::Parameters& parameters, uint64_t seed) {
  parameters.initialise(seed);
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  for (const ParamSpec& param : parameters.layout().params) {
    const at::Tensor value = parameters.value(param.name);
    if (param.role == ParameterRole::kGate) value.fill_(0.6F * normal(random) + 0.2F);
    if (param.role == ParameterRole::kGain && param.shape.empty()) {
      value.fill_(0.3F * normal(random) + 0.2F);
    } else if (param.role == ParameterRole::kGain) {
      for (int64_t i = 0; i < value.numel(); ++i) value[i].mul_(1.0F + 0.2F * normal(random));
    }
    if (param.role == ParameterRole::kLinear || param.role == ParameterRole::kHead) value.mul_(0.1 / param.start_std);
  }
}

}  // namespace strata::test
