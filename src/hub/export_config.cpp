#include "hub/export_config.h"

#include <nlohmann/json.hpp>

#include "hub/architectures.h"
#include "strata/config/enums.h"
#include "strata/norm/scheme.h"

namespace strata::hub {
namespace {

using nlohmann::json;

std::string_view kind_of(norm::Norm norm) { return norm == norm::Norm::kTanh ? "tanh" : "erf"; }

const char* dtype_name(at::ScalarType dtype) {
  return dtype == at::kBFloat16 ? "bfloat16" : dtype == at::kHalf ? "float16" : "float32";
}

json id_or_null(const std::optional<int32_t>& id) { return id ? json(*id) : json(); }

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
  if (junction.weight) {
    said["weight"] = junction.weight->name;
    said["weight_position"] = config::enum_name(junction.rule.gate);
  }
  const auto say_kind = [&](const char* place, norm::Norm norm) {
    if (has_alpha(norm)) said["norm_kinds"][place] = kind_of(norm);
  };
  say_kind("branch_norm", junction.rule.branch_norm);
  say_kind("out_norm", junction.rule.out_norm);
  say_kind("next_norm", junction.rule.next_norm);
  return said;
}

}  // namespace

json stock_config(Stock stock, const config::ModelConfig& dims, at::ScalarType dtype, const SpecialIds& specials) {
  return {{"architectures", {class_of(stock)}},
          {"attention_bias", false},
          {"attention_dropout", 0.0},
          {"bos_token_id", id_or_null(specials.bos)},
          {"dtype", dtype_name(dtype)},
          {"eos_token_id", id_or_null(specials.eos)},
          {"head_dim", dims.head_dim()},
          {"hidden_act", "silu"},
          {"hidden_size", dims.hidden},
          {"initializer_range", norm::kLinearStd},
          {"intermediate_size", dims.intermediate},
          {"max_position_embeddings", dims.max_positions},
          {"mlp_bias", false},
          {"model_type", architecture(stock).model_type},
          {"num_attention_heads", dims.heads},
          {"num_hidden_layers", dims.layers},
          {"num_key_value_heads", dims.kv()},
          {"pad_token_id", id_or_null(specials.pad)},
          {"pretraining_tp", 1},
          {"rms_norm_eps", dims.norm_eps},
          {"rope_parameters", {{"rope_theta", dims.rope_theta}, {"rope_type", "default"}}},
          {"rope_theta", dims.rope_theta},
          {"tie_word_embeddings", false},
          {"torch_dtype", dtype_name(dtype)},
          {"transformers_version", architecture(stock).first_version},
          {"use_cache", true},
          {"vocab_size", dims.vocab}};
}

json wired_config(const config::ModelConfig& dims, const nn::ModelSpec& spec, at::ScalarType dtype,
                  const SpecialIds& specials) {
  const norm::Wiring& wiring = spec.wiring;
  const config::GpasConfig& gate = spec.gate;
  json wired = stock_config(Stock::kLlama, dims, dtype, specials);
  wired["architectures"] = {"StrataForCausalLM"};
  wired["auto_map"] = {{"AutoConfig", "modeling_strata.StrataConfig"},
                       {"AutoModelForCausalLM", "modeling_strata.StrataForCausalLM"}};
  wired["model_type"] = "strata";
  wired["use_cache"] = false;
  wired["qk_norm"] = config::enum_name(spec.attention_norms.query_key);
  wired["v_norm"] = spec.attention_norms.value;
  wired["gate_activation"] = config::enum_name(gate.activation);
  wired["gate_stop_gradient"] = gate.stop_gradient;
  json junctions = json::array({junction_of(wiring.entry, spec.update)});
  for (const norm::WiredJunction& junction : wiring.after) junctions.push_back(junction_of(junction, spec.update));
  wired["junctions"] = std::move(junctions);
  return wired;
}

json generation_config(const SpecialIds& specials) {
  return {{"bos_token_id", id_or_null(specials.bos)},
          {"eos_token_id", id_or_null(specials.eos)},
          {"pad_token_id", id_or_null(specials.pad)},
          {"transformers_version", architecture(Stock::kLlama).first_version}};
}

}  // namespace strata::hub
