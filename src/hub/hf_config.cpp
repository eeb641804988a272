#include <algorithm>
#include <nlohmann/json.hpp>

#include "hub/architectures.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/hub/model_folder.h"
#include "strata/io/json.h"

namespace strata::hub {
namespace {

using nlohmann::json;

// In rope_parameters and rope_scaling.
constexpr std::string_view kRotationKeys =
    " rope_type type rope_theta partial_rotary_factor factor original_max_position_embeddings ";

// What is read, checked, or changes no logits.
constexpr std::string_view kKnownKeys =
    " architectures attention_bias attention_dropout auto_map bos_token_id dtype eos_token_id "
    "head_dim hidden_act hidden_size initializer_range intermediate_size layer_types "
    "max_position_embeddings max_sequence_length mlp_bias model_type num_attention_heads "
    "num_hidden_layers num_key_value_heads pad_token_id partial_rotary_factor pretraining_tp "
    "quantization_config rms_norm_eps rope_parameters rope_scaling rope_theta sliding_window "
    "max_window_layers use_sliding_window tie_word_embeddings torch_dtype transformers_version unk_token_id use_cache "
    "vocab_size "
    "return_dict output_attentions output_hidden_states chunk_size_feed_forward is_encoder_decoder "
    "id2label label2id problem_type ";

// words: with a space around each.
bool is_among(std::string_view words, std::string_view key) { return words.find(str(' ', key, ' ')) != words.npos; }

// A config.json with errors that name it.
class ConfigFile {
 public:
  explicit ConfigFile(const std::filesystem::path& file) : file_(file.string()), root_(io::read_json(file)) {
    STRATA_CHECK(root_.is_object(), file_, ": is not a JSON object");
  }

  bool has(const char* key) const { return find(root_, key) != nullptr; }

  int64_t size(const char* key, int64_t most = config::ModelConfig::kMost) const {
    const json* value = find(root_, key);
    STRATA_CHECK(value != nullptr, file_, ": has no ", key);
    STRATA_CHECK(value->is_number_integer(), file_, ": ", key, " is ", value->dump(), ", not a whole number");
    const auto size = value->get<int64_t>();
    STRATA_CHECK(0 < size && size <= most, file_, ": has a size of ", value->dump(), ": ", key);
    return size;
  }

  double number(const char* key, double fallback) const { return number_in(root_, key, fallback); }

  bool flag(const char* key) const {
    const json* value = find(root_, key);
    STRATA_CHECK(value == nullptr || value->is_boolean(), file_, ": ", key, " is ", value ? value->dump() : "",
                 ", neither true nor false");
    return value != nullptr && value->get<bool>();
  }

  /// rope_theta at the top (older) or inside rope_parameters (transformers 5).
  double rope_theta() const {
    const json* parameters = rotation("rope_parameters");
    if (parameters == nullptr) return number("rope_theta", 1e4);
    const double inside = number_in(*parameters, "rope_theta", number("rope_theta", 1e4));
    STRATA_CHECK(!has("rope_theta") || number("rope_theta", inside) == inside, file_, ": rope_theta is ",
                 number("rope_theta", inside), ", and ", inside, " in rope_parameters");
    return inside;
  }

  /// Keys that nobody here knows.
  std::vector<std::string> others() const {
    std::vector<std::string> others;
    for (const auto& [key, value] : root_.items()) {
      if (!is_among(kKnownKeys, key) && !value.is_null() && !key.starts_with('_')) others.push_back(key);
    }
    return others;
  }

  const std::string& name() const { return file_; }

  /// LLaMA's where nothing is said.
  const Architecture& architecture() const {
    const json* type = find(root_, "model_type");
    const std::string wanted = type == nullptr ? "llama" : type->is_string() ? type->get<std::string>() : "";
    const auto found = std::ranges::find(architectures(), wanted, &Architecture::model_type);
    if (found != architectures().end()) return *found;
    std::vector<std::string> known;
    for (const Architecture& one : architectures()) known.emplace_back(one.model_type);
    throw Error(str(file_, ": model_type is ", type->dump(), ", Strata computes ", join(known, ", ")));
  }

  /// A key that may be missing or null, else must have this value.
  template <class T>
  void require(const char* key, const T& wanted) const {
    require_in(root_, key, wanted);
  }

  /// A key that may be missing, null, false or empty, and nothing else.
  void require_none(const char* key) const {
    const json* value = find(root_, key);
    STRATA_CHECK(value == nullptr || value->empty() || *value == false, file_, ": ", key, " is ",
                 value ? value->dump() : "", ", and Strata computes nothing of the kind");
  }

  /// A list that may be missing, else has only such values.
  void require_only(const char* key, const std::vector<std::string>& known) const {
    const json* list = find(root_, key);
    if (list == nullptr) return;
    STRATA_CHECK(list->is_array(), file_, ": ", key, " is ", list->dump(), ", not a list");
    for (const json& value : *list) {
      const bool is_known = value.is_string() && std::ranges::count(known, value.get<std::string>()) > 0;
      STRATA_CHECK(is_known, file_, ": ", key, " has ", value.dump(), ", Strata computes only ",
                   json(known.front()).dump());
    }
  }

  /// Rotary embeddings as they are, under either key and either name of the kind.
  void require_plain_rotation() const {
    for (const char* key : {"rope_parameters", "rope_scaling"}) {
      const json* parameters = rotation(key);
      if (parameters == nullptr) continue;
      for (const char* kind : {"rope_type", "type"}) require_in(*parameters, kind, "default");
      for (const char* factor : {"partial_rotary_factor", "factor"}) require_in(*parameters, factor, 1.0);
      for (const auto& [name, value] : parameters->items()) {
        STRATA_CHECK(is_among(kRotationKeys, name) || value.is_null(), file_, ": ", key, " has ", name, ": ",
                     value.dump(), ", and Strata computes nothing of the kind");
      }
    }
    require("partial_rotary_factor", 1.0);
  }

 private:
  /// The object under this key; transformers 5 may have one in it for each kind of layer.
  const json* rotation(const char* key) const {
    const json* parameters = find(root_, key);
    if (parameters == nullptr) return nullptr;
    STRATA_CHECK(parameters->is_object(), file_, ": ", key, " is ", parameters->dump(), ", not an object");
    const json* of_kind = find(*parameters, "full_attention");
    if (of_kind == nullptr) return parameters;
    STRATA_CHECK(parameters->size() == 1 && of_kind->is_object(), file_, ": ", key, " is ", parameters->dump(),
                 ", and Strata's layers are all alike");
    return of_kind;
  }

  static const json* find(const json& object, const char* key) {
    const auto found = object.find(key);
    return found == object.end() || found->is_null() ? nullptr : &*found;
  }

  double number_in(const json& object, const char* key, double fallback) const {
    const json* value = find(object, key);
    if (value == nullptr) return fallback;
    STRATA_CHECK(value->is_number() && value->get<double>() > 0.0, file_, ": ", key, " is ", value->dump(),
                 ", not a number above 0");
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

void check_computable(const ConfigFile& file) {
  file.require_only("architectures", file.architecture().names);
  file.require_only("layer_types", {"full_attention"});
  file.require("hidden_act", "silu");
  for (const char* key : {"attention_bias",
                          "mlp_bias",
                          "use_sliding_window",
                          "quantization_config",
                          "qk_norm",
                          "use_qk_norm",
                          "clip_qkv",
                          "logit_scale",
                          "final_logit_softcapping",
                          "attn_logit_softcapping",
                          "query_pre_attn_scalar",
                          "embedding_multiplier",
                          "residual_multiplier",
                          "attention_multiplier",
                          "logits_scaling",
                          "parallel_attn",
                          "num_experts",
                          "num_local_experts",
                          "alibi",
                          "no_rope_layers",
                          "no_rope_layer_interval"}) {
    file.require_none(key);
  }
  // Qwen's configs have a window that use_sliding_window alone turns on.
  if (!file.has("use_sliding_window")) file.require_none("sliding_window");
  file.require_plain_rotation();
  const std::vector<std::string> others = file.others();
  if (!others.empty())
    log::warn(str(file.name(), ": passed over ", join(others, ", "), ": keys that Strata does not know"));
}

}  // namespace

HfConfig read_hf_config(const std::filesystem::path& path) {
  const ConfigFile file(path);
  check_computable(file);
  const Architecture& architecture = file.architecture();
  HfConfig read;
  read.scheme = architecture.scheme;
  config::ModelConfig& dims = read.model;
  dims.qk_norm = architecture.qk_norm;
  dims.vocab = file.size("vocab_size");
  dims.hidden = file.size("hidden_size");
  dims.intermediate = file.size("intermediate_size");
  dims.layers = file.size("num_hidden_layers");
  dims.heads = file.size("num_attention_heads");
  if (file.has("num_key_value_heads")) dims.kv_heads = file.size("num_key_value_heads");
  dims.norm_eps = file.number("rms_norm_eps", architecture.norm_eps);
  const int64_t head_dim = file.has("head_dim") ? file.size("head_dim") : architecture.head_dim;
  if (head_dim * dims.heads != dims.hidden) dims.own_head_dim = head_dim;
  dims.rope_theta = file.rope_theta();
  for (const char* key : {"max_sequence_length", "max_position_embeddings"}) {  // the first is the paper's code's
    if (file.has(key)) dims.max_positions = file.size(key, int64_t{1} << 30);
  }
  try {
    dims.validate();
  } catch (const config::KeyError& error) {
    throw config::Origins(path.string()).locate(error);
  }
  read.tied = file.flag("tie_word_embeddings");
  return read;
}

}  // namespace strata::hub
