#include "strata/nn/model_spec.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "strata/base/check.h"
#include "strata/config/enums.h"
#include "strata/config/key_error.h"
#include "strata/norm/make.h"
#include "strata/norm/scheme.h"

namespace strata::nn {
namespace {

// Embedding rows start from N(0, 2/5), as in the lineage of the paper's code.
const double kEmbeddingStd = std::sqrt(2.0 / 5.0);

class LayoutBuilder {
 public:
  LayoutBuilder(const config::ModelConfig& dims, const norm::Scheme& scheme, const norm::AttentionNorms& norms,
                const config::GpasConfig& gate)
      : dims_(dims), scheme_(scheme), attention_norms_(norms), gate_(gate) {}

  ParameterLayout build(const norm::Wiring& wiring) {
    add("model.embed_tokens.weight", {dims_.vocab, dims_.hidden}, ParameterRole::kEmbedding, {0.0, kEmbeddingStd});
    add_junction(wiring.entry);
    end_section();
    for (layer_ = 0; layer_ < dims_.layers; ++layer_) {
      add_attention();
      add_junction(wiring.after[static_cast<size_t>(2 * layer_)]);
      add_feed_forward();
      add_junction(wiring.after[static_cast<size_t>(2 * layer_ + 1)]);
      end_section();
    }
    layer_ = -1;
    add("lm_head.weight", {dims_.vocab, dims_.hidden}, ParameterRole::kHead, {0.0, norm::kLinearStd},
        {padded_width(dims_.vocab), dims_.hidden});
    end_section();
    layout_.arena_size = end_;
    return std::move(layout_);
  }

 private:
  struct Start {
    double mean;
    double std;
  };

  void align() { end_ = aligned(end_); }

  // Directly behind the parameter before it.
  void append(const std::string& name, std::vector<int64_t> shape, ParameterRole role, Start start,
              std::vector<int64_t> in_arena = {}) {
    STRATA_CHECK(names_.insert(name).second, "two parameters would be called ", name);
    if (in_arena == shape) in_arena.clear();
    layout_.params.push_back(
        {name, std::move(shape), end_, role, layer_of(name), start.mean, start.std, std::move(in_arena)});
    end_ += layout_.params.back().arena_count();
  }

  void add(const std::string& name, std::vector<int64_t> shape, ParameterRole role, Start start,
           std::vector<int64_t> in_arena = {}) {
    align();
    append(name, std::move(shape), role, start, std::move(in_arena));
  }

  // A norm that a junction applies for the next layer carries that layer's number in its name.
  static int64_t layer_of(const std::string& name) {
    const std::string prefix = "model.layers.";
    return name.starts_with(prefix) ? std::stoll(name.substr(prefix.size())) : -1;
  }

  void end_section() {
    align();
    layout_.sections.push_back({section_start_, end_});
    section_start_ = end_;
  }

  struct Width {
    Width(int64_t all) : size(all), in_arena(all) {}
    Width(int64_t there, int64_t padded) : size(there), in_arena(padded) {}
    int64_t size, in_arena;
  };

  void add_linear(norm::Weight weight, const std::string& part, const Width& out, const Width& in,
                  bool first_of_group) {
    if (first_of_group) align();
    const double std =
        scheme_.weight_std({.weight = weight, .layers = dims_.layers, .fan_in = in.size, .fan_out = out.size});
    append("model.layers." + std::to_string(layer_) + "." + part + "_proj.weight", {out.size, in.size},
           ParameterRole::kLinear, {0.0, std}, {out.in_arena, in.in_arena});
  }

  void add_attention() {
    const int64_t queries = dims_.heads * dims_.head_dim();
    const int64_t keys = dims_.kv() * dims_.head_dim();
    add_linear(norm::Weight::kQuery, "self_attn.q", queries, dims_.hidden, true);
    add_linear(norm::Weight::kKey, "self_attn.k", keys, dims_.hidden, false);
    add_linear(norm::Weight::kValue, "self_attn.v", keys, dims_.hidden, false);
    if (attention_norms_.query_key != config::QkNorm::kNone) {
      const bool by_head = attention_norms_.query_key == config::QkNorm::kHead;
      add_attention_gain("q_norm", by_head ? dims_.head_dim() : queries);
      add_attention_gain("k_norm", by_head ? dims_.head_dim() : keys);
    }
    if (attention_norms_.value) add_attention_gain("v_norm", dims_.head_dim());
    add_linear(norm::Weight::kOutput, "self_attn.o", dims_.hidden, queries, true);
  }

  void add_feed_forward() {
    const Width inner(dims_.intermediate, padded_width(dims_.intermediate));
    add_linear(norm::Weight::kGate, "mlp.gate", inner, dims_.hidden, true);
    add_linear(norm::Weight::kUp, "mlp.up", inner, dims_.hidden, false);
    add_linear(norm::Weight::kDown, "mlp.down", dims_.hidden, inner, true);
  }

  void add_attention_gain(const std::string& norm, int64_t width) {
    add(str("model.layers.", layer_, ".self_attn.", norm, ".weight"), {width}, ParameterRole::kGain, {1.0, 0.0});
  }

  void add_norm(Norm norm, const std::optional<norm::Gain>& gain) {
    if (!gain) return;
    const auto add_one = [&](const std::string& name, std::vector<int64_t> shape, double start) {
      add(name, std::move(shape), ParameterRole::kGain, {start, 0.0});
    };
    const norm::NormNames names = norm::names_beside(*gain);
    add_one(gain->name, {dims_.hidden}, gain->start);
    if (has_shift_and_bias(norm)) add_one(names.bias, {dims_.hidden}, 0.0);
    if (has_alpha(norm)) add_one(names.alpha, {1}, gain->alpha);
    if (has_shift_and_bias(norm)) add_one(names.shift, {1}, 0.0);
  }

  void add_custom(const norm::CustomParameter& parameter) {
    std::vector<int64_t> shape = parameter.shape;
    std::ranges::replace(shape, norm::kHiddenSize, dims_.hidden);
    const auto shared = std::ranges::find(layout_.params, parameter.name, &ParamSpec::name);
    if (shared == layout_.params.end()) return add(parameter.name, shape, ParameterRole::kGain, {parameter.start, 0.0});
    STRATA_CHECK(shared->shape == shape, "junctions that share ", parameter.name, " give it different shapes");
  }

  void add_junction(const norm::WiredJunction& junction) {
    if (junction.custom) std::ranges::for_each(junction.custom->parameters, [this](const auto& p) { add_custom(p); });
    add_norm(junction.rule.branch_norm, junction.branch_gain);
    add_norm(junction.rule.out_norm, junction.out_gain);
    add_norm(junction.rule.next_norm, junction.next_gain);
    if (junction.weight && !names_.contains(junction.weight->name)) {
      // As their authors have them: DyT's factor of the embedding is a row of one number, ReZero's none.
      const bool is_row = junction.rule.gate == Gate::kSum;
      add(junction.weight->name, std::vector<int64_t>(is_row ? 1 : 0, 1), ParameterRole::kGain,
          {junction.weight->start, 0.0});
    }
    // A layer's gate serves both of its junctions; it lies with the one that the forward pass reaches first.
    if (junction.gate && !names_.contains(*junction.gate)) {
      add(*junction.gate, {}, ParameterRole::kGate, {gate_.start, 0.0});
    }
  }

  const config::ModelConfig& dims_;
  const norm::Scheme& scheme_;
  norm::AttentionNorms attention_norms_;
  const config::GpasConfig& gate_;
  ParameterLayout layout_;
  std::set<std::string> names_;
  int64_t end_ = 0;
  int64_t section_start_ = 0;
  int64_t layer_ = -1;
};

norm::AttentionNorms attention_norms(const config::ModelConfig& dims, const norm::Scheme& scheme) {
  norm::AttentionNorms norms = scheme.attention_norms();
  if (dims.qk_norm == config::QkNorm::kNone) return norms;
  if (norms.query_key != config::QkNorm::kNone && norms.query_key != dims.qk_norm) {
    throw config::KeyError("model.qk_norm", str("is ", config::enum_name(dims.qk_norm), "; the scheme brings norms on ",
                                                "queries and keys of its own: ", config::enum_name(norms.query_key)));
  }
  norms.query_key = dims.qk_norm;
  return norms;
}

}  // namespace

const ParamSpec& ParameterLayout::find(const std::string& name) const {
  const auto found = std::ranges::find(params, name, &ParamSpec::name);
  STRATA_CHECK(found != params.end(), "the model has no parameter ", name);
  return *found;
}

bool ParameterLayout::contains(const std::string& name) const {
  return std::ranges::find(params, name, &ParamSpec::name) != params.end();
}

int64_t ParameterLayout::count() const {
  int64_t total = 0;
  for (const ParamSpec& param : params) total += param.count();
  return total;
}

ModelSpec describe(const config::ModelConfig& dims, const norm::Scheme& scheme, const config::GpasConfig& gate) {
  dims.validate();
  norm::Wiring wiring = norm::wire(scheme, dims.layers, gate.per == config::GpasPer::kSublayer);
  const norm::AttentionNorms norms = attention_norms(dims, scheme);
  ParameterLayout layout = LayoutBuilder(dims, scheme, norms, gate).build(wiring);
  ParameterLayout trained = layout;
  std::vector<int64_t> layers(static_cast<size_t>(dims.layers));
  std::iota(layers.begin(), layers.end(), int64_t{0});
  return {dims, std::move(wiring), norms, gate, std::move(layout), std::move(trained), std::move(layers)};
}

ModelSpec without_layer(ModelSpec spec, int64_t layer) {
  const auto place = std::ranges::find(spec.layers, layer);
  STRATA_ASSERT(place != spec.layers.end());
  spec.wiring = norm::without_layer(std::move(spec.wiring), place - spec.layers.begin());
  spec.layers.erase(place);
  return spec;
}

ModelSpec describe(const config::ModelConfig& dims, const config::NormConfig& norm) {
  return describe(dims, *norm::make_scheme(norm), norm.gpas);
}

double flops_per_token(const config::ModelConfig& dims, const TokenWork& work) {
  const int64_t head_dim = dims.head_dim();
  const int64_t attention = dims.hidden * head_dim * (2 * dims.heads + 2 * dims.kv());
  const int64_t feed_forward = 3 * dims.hidden * dims.intermediate;
  const auto layer = static_cast<double>(attention + feed_forward);
  const auto layers = static_cast<double>(dims.layers);
  const double frozen = work.trained_layers < 0 ? 0.0 : layers - static_cast<double>(work.trained_layers);
  // A query meets half of the row's keys on average; scores and weighted values.
  const double scores = layers * static_cast<double>(dims.heads * head_dim) * work.context;
  const double head = static_cast<double>(dims.vocab * dims.hidden) * work.scored_share;
  return 6.0 * (layers * layer + scores + head) - 2.0 * frozen * layer;
}

}  // namespace strata::nn
