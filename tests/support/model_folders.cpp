#include "support/model_folders.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>

#include <nlohmann/json.hpp>

#include "strata/base/text.h"
#include "strata/hub/model_folder.h"
#include "strata/io/json.h"
#include "support/golden.h"
#include "support/models.h"
#include "support/temp_folder.h"

namespace strata::test {

using nlohmann::json;

HfModel::HfModel(const std::string& variant, const std::string& config_file) {
  const auto source = golden_model() / "hf" / variant;
  config = std::make_unique<json>(io::read_json(source / config_file));
  const auto file = io::SafetensorsFile::open(source / "model.safetensors");
  for (const std::string& name : file.names()) weights.emplace_back(name, file.tensor(name).clone());
  const auto golden = io::SafetensorsFile::open(source / "logits.safetensors");
  input_ids = golden.tensor("input_ids");
  logits = golden.tensor("logits");
}

HfModel::~HfModel() = default;

at::Tensor& HfModel::weight(const std::string& name) {
  const auto found = std::ranges::find(weights, name, &io::NamedTensors::value_type::first);
  if (found == weights.end()) throw std::out_of_range(name);
  return found->second;
}

void HfModel::cast(at::ScalarType dtype) {
  for (auto& [name, tensor] : weights) tensor = tensor.to(dtype);
}

void HfModel::remove(const std::string& name) {
  std::erase_if(weights, [&](const auto& item) { return item.first == name; });
}

void HfModel::write(const std::filesystem::path& folder) const {
  write_file(folder / "config.json", config->dump());
  io::write_safetensors(folder / "model.safetensors", weights, {{"format", "pt"}});
}

void HfModel::write_sharded(const std::filesystem::path& folder, size_t files) const {
  write_file(folder / "config.json", config->dump());
  std::vector<io::NamedTensors> shards(files);
  json map = json::object();
  for (size_t i = 0; i < weights.size(); ++i) {
    const size_t shard = i * files / weights.size();
    shards[shard].push_back(weights[i]);
    map[weights[i].first] = "part-" + std::to_string(shard) + ".safetensors";
  }
  for (size_t i = 0; i < files; ++i) {
    io::write_safetensors(folder / ("part-" + std::to_string(i) + ".safetensors"), shards[i]);
  }
  io::write_json(folder / "model.safetensors.index.json", {{"metadata", json::object()}, {"weight_map", map}});
}

at::Tensor logits_of(const std::filesystem::path& folder, const at::Tensor& ids_RT) {
  const hub::ModelFolder opened = hub::open_model_folder(folder);
  data::TokenRows rows;
  for (int64_t row = 0; row < ids_RT.size(0); ++row) {
    const auto* ids = ids_RT[row].const_data_ptr<int64_t>();
    rows.emplace_back(ids, ids + ids_RT.size(1));
  }
  const auto batch = data::TokenBatch::from_rows(rows, nullptr, opened.spec.dims.vocab);
  TestModel test(opened.spec,
                 {.limits = {.max_tokens = batch.num_tokens(), .longest_row = batch.longest_row}, .gradients = false});
  nn::load_parameters(test.model.parameters(), opened.weights);
  return test.model.logits_NV(batch).view({ids_RT.size(0), ids_RT.size(1), opened.spec.dims.vocab});
}

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return (a - b).abs().max().item<double>();
}

}  // namespace strata::test
