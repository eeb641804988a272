#include "strata/hub/export.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/isfinite.h>

#include <nlohmann/json.hpp>

#include "hub/export_config.h"
#include "strata/base/check.h"
#include "strata/io/file.h"
#include "strata/io/json.h"
#include "strata/nn/model_folder.h"

namespace strata::hub {
namespace {

namespace fs = std::filesystem;

// A tensor of the export, and what becomes of the model's to make it.
struct Part {
  std::string name;    // in the export
  std::string source;  // in the model
  double factor = 1.0;
  std::string channels = {};  // a tensor [rows] of the model's, which scales the rows too
};

// By where norms stand, not by what they are called here: LLaMA and Qwen3 have one name for each place.
std::vector<Part> stock_parts(const nn::ModelSpec& spec, const Folding& folding) {
  std::vector<Part> parts{{"model.embed_tokens.weight", "model.embed_tokens.weight"}};
  const auto add = [&](const std::string& name) { parts.push_back({name, name}); };
  const auto add_last = [&](const std::string& name, size_t branch) {
    parts.push_back({name, name, folding.branches[branch], folding.channels[branch]});
  };
  const auto gain_before = [&](int64_t branch) {
    const auto& junction = branch == 0 ? spec.wiring.entry : spec.wiring.after[static_cast<size_t>(branch - 1)];
    return junction.next_gain->name;
  };
  for (int64_t layer = 0; layer < spec.dims.layers; ++layer) {
    const std::string prefix = str("model.layers.", layer, ".");
    const auto attention = static_cast<size_t>(2 * layer), feed_forward = attention + 1;
    parts.push_back({prefix + "input_layernorm.weight", gain_before(2 * layer), folding.gains[attention]});
    for (const char* name : {"q", "k", "v"}) add(str(prefix, "self_attn.", name, "_proj.weight"));
    if (folding.stock == Stock::kQwen3) {
      for (const char* name : {"q", "k"}) add(str(prefix, "self_attn.", name, "_norm.weight"));
    }
    add_last(prefix + "self_attn.o_proj.weight", attention);
    parts.push_back(
        {prefix + "post_attention_layernorm.weight", gain_before(2 * layer + 1), folding.gains[feed_forward]});
    for (const char* name : {"gate", "up"}) add(str(prefix, "mlp.", name, "_proj.weight"));
    add_last(prefix + "mlp.down_proj.weight", feed_forward);
  }
  parts.push_back({"model.norm.weight", gain_before(2 * spec.dims.layers), folding.gains.back()});
  add("lm_head.weight");
  return parts;
}

std::vector<Part> all_parts(const nn::ModelSpec& spec) {
  std::vector<Part> parts;
  for (const ParamSpec& param : spec.layout.params) parts.push_back({param.name, param.name});
  return parts;
}

at::Tensor made(const Part& part, const io::TensorFiles& weights, at::ScalarType dtype) {
  weights.release_pages();
  const at::Tensor source = weights.tensor(part.source);
  at::Tensor scaled = part.factor == 1.0 ? source : source.to(at::kDouble).mul(part.factor);
  if (!part.channels.empty()) scaled = scaled.to(at::kDouble) * weights.tensor(part.channels).unsqueeze(1);
  const at::Tensor cast = scaled.to(dtype).contiguous();
  STRATA_CHECK(dtype != at::kHalf || cast.isfinite().all().item<bool>(), part.name,
               ": has values that fp16 cannot hold; --dtype bf16 can");
  return cast;
}

// Files of at most so many bytes of tensors, unless one alone is larger.
std::vector<std::vector<io::TensorPlan>> shards_of(std::vector<io::TensorPlan> plans, size_t most_bytes) {
  std::vector<std::vector<io::TensorPlan>> shards(1);
  size_t bytes = 0;
  for (io::TensorPlan& plan : plans) {
    if (!shards.back().empty() && bytes + plan.bytes() > most_bytes) {
      shards.emplace_back();
      bytes = 0;
    }
    bytes += plan.bytes();
    shards.back().push_back(std::move(plan));
  }
  return shards;
}

std::string shard_name(size_t index, size_t count) {
  const auto five_digits = [](size_t number) {
    const std::string digits = std::to_string(number);
    return std::string(5 - std::min<size_t>(5, digits.size()), '0') + digits;
  };
  return str("model-", five_digits(index + 1), "-of-", five_digits(count), ".safetensors");
}

size_t write_weights(const fs::path& folder, std::vector<io::TensorPlan> plans, size_t most_shard_bytes) {
  const std::map<std::string, std::string> metadata{{"format", "pt"}};
  const auto shards = shards_of(std::move(plans), most_shard_bytes);
  if (shards.size() == 1) {
    io::write_safetensors(folder / nn::kWeightsFile, shards.front(), metadata);
    return 1;
  }
  size_t total = 0;
  nlohmann::json map = nlohmann::json::object();
  for (size_t index = 0; index < shards.size(); ++index) {
    const std::string name = shard_name(index, shards.size());
    for (const io::TensorPlan& plan : shards[index]) {
      map[plan.name] = name;
      total += plan.bytes();
    }
    io::write_safetensors(folder / name, shards[index], metadata);
  }
  io::write_json(folder / kIndexFile, {{"metadata", {{"total_size", total}}}, {"weight_map", map}});
  return shards.size();
}

std::vector<io::TensorPlan> plans_of(const std::vector<Part>& parts, const io::TensorFiles& weights,
                                     at::ScalarType dtype) {
  std::vector<io::TensorPlan> plans;
  for (const Part& part : parts) {
    plans.push_back({part.name, dtype, weights.info(part.source).shape,
                     [part, &weights, dtype] { return made(part, weights, dtype); }});
  }
  return plans;
}

at::ScalarType stored_dtype(const ModelFolder& model) {
  const at::ScalarType dtype = model.weights.info("model.embed_tokens.weight").dtype;
  return dtype == at::kDouble ? at::kFloat : dtype;
}

}  // namespace

Exported export_model(const ModelFolder& model, const ExportOptions& options, const fs::path& folder) {
  nn::check_loadable(model.spec.layout, model.weights);
  for (const norm::WiredJunction& junction : model.spec.wiring.after) {
    STRATA_CHECK(!junction.custom, "norm.scheme=", model.config.norm.scheme,
                 ": brings junctions of its own, which are functions of its program; no file can say them");
  }
  config::ModelConfig dims = model.config.model;
  dims.max_positions = std::max(dims.max_positions, model.config.data.sequence_length);
  SpecialIds specials;
  if (!options.tokenizer.empty()) specials = write_tokenizer(options.tokenizer, dims, folder);  // before what is large
  Exported exported{.folding = fold(model.spec, model.weights), .dtype = options.dtype.value_or(stored_dtype(model))};
  const bool is_stock = exported.folding.obstacle.empty();
  const bool has_its_names = !is_stock || exported.folding.stock == Stock::kOlmo2;
  const std::vector<Part> parts = has_its_names ? all_parts(model.spec) : stock_parts(model.spec, exported.folding);
  exported.files = write_weights(folder, plans_of(parts, model.weights, exported.dtype), options.most_shard_bytes);
  io::write_json(folder / "config.json", is_stock ? stock_config(exported.folding.stock, dims, exported.dtype, specials)
                                                  : wired_config(dims, model.spec, exported.dtype, specials));
  io::write_json(folder / "generation_config.json", generation_config(specials));
  if (!is_stock) io::write_atomically(folder / "modeling_strata.py", modeling_strata_py());
  return exported;
}

}  // namespace strata::hub
