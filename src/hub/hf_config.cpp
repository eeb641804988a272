#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "strata/hub/model_folder.h"
#include "strata/io/json.h"

namespace strata::hub {
namespace {

using nlohmann::json;

// A config.json with errors that name it.
class HfConfig {
 public:
  explicit HfConfig(const std::filesystem::path& file) : file_(file.string()), root_(io::read_json(file)) {
    STRATA_CHECK(root_.is_object(), file_, ": is not a JSON object");
  }

  int64_t integer(const char* key) const {
    const json* value = find(root_, key);
    STRATA_CHECK(value != nullptr, file_, ": has no ", key);
    STRATA_CHECK(value->is_number_integer(), file_, ": ", key, " is ", value->dump(), ", not a whole number");
    return value->get<int64_t>();
  }

  double number(const char* key, double fallback) const { return number_in(root_, key, fallback); }

  /// rope_theta at the top (older) or inside rope_parameters (transformers 5).
  double rope_theta() const {
    const json* parameters = find(root_, "rope_parameters");
    if (parameters == nullptr) return number("rope_theta", 1e4);
    require_in(*parameters, "rope_type", "default");
    return number_in(*parameters, "rope_theta", number("rope_theta", 1e4));
  }

  /// A key that may be missing or null, else must have this value.
  template <class T>
  void require(const char* key, const T& wanted) const {
    require_in(root_, key, wanted);
  }

  bool has(const char* key) const { return find(root_, key) != nullptr; }

 private:
  static const json* find(const json& object, const char* key) {
    const auto found = object.find(key);
    return found == object.end() || found->is_null() ? nullptr : &*found;
  }

  double number_in(const json& object, const char* key, double fallback) const {
    const json* value = find(object, key);
    if (value == nullptr) return fallback;
    STRATA_CHECK(value->is_number(), file_, ": ", key, " is ", value->dump(), ", not a number");
    return value->get<double>();
  }

  template <class T>
  void require_in(const json& object, const char* key, const T& wanted) const {
    const json* value = find(object, key);
    STRATA_CHECK(value == nullptr || *value == wanted, file_, ": ", key, " is ", value ? value->dump() : "",
                 ", Strata computes only ", json(wanted).dump());
  }

  std::string file_;
  json root_;
};

}  // namespace

config::ModelConfig read_hf_config(const std::filesystem::path& file) {
  const HfConfig hf(file);
  hf.require("model_type", "llama");
  hf.require("hidden_act", "silu");
  hf.require("attention_bias", false);
  hf.require("mlp_bias", false);
  hf.require("tie_word_embeddings", false);
  hf.require("rope_scaling", nullptr);
  config::ModelConfig dims;
  dims.vocab = hf.integer("vocab_size");
  dims.hidden = hf.integer("hidden_size");
  dims.intermediate = hf.integer("intermediate_size");
  dims.layers = hf.integer("num_hidden_layers");
  dims.heads = hf.integer("num_attention_heads");
  dims.kv_heads = hf.has("num_key_value_heads") ? hf.integer("num_key_value_heads") : 0;
  dims.norm_eps = hf.number("rms_norm_eps", 1e-6);
  dims.rope_theta = hf.rope_theta();
  for (const int64_t size : {dims.vocab, dims.hidden, dims.intermediate, dims.layers, dims.heads}) {
    STRATA_CHECK(size > 0, file.string(), ": has a size of ", size);
  }
  hf.require("head_dim", dims.head_dim());
  return dims;
}

}  // namespace strata::hub
