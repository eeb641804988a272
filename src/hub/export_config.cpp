#include "hub/export_config.h"

#include <nlohmann/json.hpp>

#include "strata/config/enums.h"
#include "strata/data/tokenizer.h"
#include "strata/norm/scheme.h"

namespace strata::hub {
namespace {

using nlohmann::json;

// What wrote a file that has no other version to name: the oldest one that is known to read it.
constexpr const char* kTransformersVersion = "4.31.0";

const char* dtype_name(at::ScalarType dtype) {
  return dtype == at::kBFloat16 ? "bfloat16" : dtype == at::kHalf ? "float16" : "float32";
}

json gain_of(const std::optional<norm::Gain>& gain) { return gain ? json(gain->name) : json(); }

json junction_of(const norm::WiredJunction& junction, int64_t update) {
  json said{{"skip_scale", junction.rule.skip_scale},
            {"branch_norm", gain_of(junction.branch_gain)},
            {"out_norm", gain_of(junction.out_gain)},
            {"next_norm", gain_of(junction.next_gain)},
            {"next_scale", junction.rule.next_scale},
            {"gate", junction.gate ? json(*junction.gate) : json()},
            {"gate_position", junction.gate ? json(std::string(config::enum_name(junction.rule.gate))) : json()}};
  const double branch_scale = junction.rule.branch_scale.at(update);
  if (branch_scale != 1.0) said["branch_scale"] = branch_scale;
  if (junction.rule.branch_norm == norm::Norm::kScale) said["branch_is_scaled"] = true;
  if (junction.weight) said["weight"] = junction.weight->name;
  return said;
}

}  // namespace

json stock_config(const config::ModelConfig& dims, at::ScalarType dtype) {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"attention_bias", false},
          {"attention_dropout", 0.0},
          {"bos_token_id", nullptr},
          {"dtype", dtype_name(dtype)},
          {"eos_token_id", data::Tokenizer::kEos},
          {"head_dim", dims.head_dim()},
          {"hidden_act", "silu"},
          {"hidden_size", dims.hidden},
          {"initializer_range", norm::kLinearStd},
          {"intermediate_size", dims.intermediate},
          {"max_position_embeddings", dims.max_positions},
          {"mlp_bias", false},
          {"model_type", "llama"},
          {"num_attention_heads", dims.heads},
          {"num_hidden_layers", dims.layers},
          {"num_key_value_heads", dims.kv()},
          {"pad_token_id", data::Tokenizer::kPad},
          {"pretraining_tp", 1},
          {"rms_norm_eps", dims.norm_eps},
          {"rope_parameters", {{"rope_theta", dims.rope_theta}, {"rope_type", "default"}}},
          {"rope_theta", dims.rope_theta},
          {"tie_word_embeddings", false},
          {"torch_dtype", dtype_name(dtype)},
          {"transformers_version", kTransformersVersion},
          {"use_cache", true},
          {"vocab_size", dims.vocab}};
}

json wired_config(const config::ModelConfig& dims, const nn::ModelSpec& spec, at::ScalarType dtype) {
  const norm::Wiring& wiring = spec.wiring;
  const config::GpasConfig& gate = spec.gate;
  json wired = stock_config(dims, dtype);
  wired["architectures"] = {"StrataForCausalLM"};
  wired["auto_map"] = {{"AutoConfig", "modeling_strata.StrataConfig"},
                       {"AutoModelForCausalLM", "modeling_strata.StrataForCausalLM"}};
  wired["model_type"] = "strata";
  wired["use_cache"] = false;
  wired["gate_activation"] = config::enum_name(gate.activation);
  wired["gate_stop_gradient"] = gate.stop_gradient;
  json junctions = json::array({junction_of(wiring.entry, spec.update)});
  for (const norm::WiredJunction& junction : wiring.after) junctions.push_back(junction_of(junction, spec.update));
  wired["junctions"] = std::move(junctions);
  return wired;
}

json generation_config() {
  return {{"bos_token_id", nullptr},
          {"eos_token_id", data::Tokenizer::kEos},
          {"pad_token_id", data::Tokenizer::kPad},
          {"transformers_version", kTransformersVersion}};
}

}  // namespace strata::hub
