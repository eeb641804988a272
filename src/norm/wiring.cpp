#include "strata/norm/wiring.h"

#include "strata/base/check.h"
#include "strata/config/key_error.h"
#include "strata/norm/scheme.h"

namespace strata::norm {
namespace {

constexpr Branch kBranches[] = {Branch::kAttention, Branch::kFeedForward};

std::string layer_name(const Site& site, const std::string& part) {
  return "model.layers." + std::to_string(site.layer) + "." + part;
}

std::string gate_name(const Site& site, bool per_sublayer) {
  if (!per_sublayer) return layer_name(site, "gpas_block.gate");
  return layer_name(site,
                    site.branch == Branch::kAttention ? "gpas_block.attention_gate" : "gpas_block.feed_forward_gate");
}

// The paper's code gives a layer's norms their names by the order in which they act, not by what they do.
std::string leaving_norm_name(const Site& site, Norm norm, bool second) {
  if (norm == Norm::kScale) {  // as in Hugging Face's Mimi
    return layer_name(site,
                      site.branch == Branch::kAttention ? "self_attn_layer_scale.scale" : "mlp_layer_scale.scale");
  }
  const std::string name = site.branch == Branch::kAttention ? "post_attention" : "post_feedforward";
  return layer_name(site, name + (second ? "_sum" : "") + "_layernorm.weight");
}

std::string input_norm_name(const Sublayer& sublayer, const Site& site, bool attention_left_with_norm) {
  if (!sublayer.input_norm_name.empty()) return layer_name(site, std::string(sublayer.input_norm_name) + ".weight");
  if (site.branch == Branch::kAttention) return layer_name(site, "input_layernorm.weight");
  return layer_name(site,
                    attention_left_with_norm ? "pre_feedforward_layernorm.weight" : "post_attention_layernorm.weight");
}

bool has_norm(Norm norm) { return norm != Norm::kNone && norm != Norm::kScale; }

void require_free(const WiredJunction& junction) {
  if (junction.weight) {
    throw config::KeyError(
        "norm.scheme",
        "+gpas has no place in this scheme: a learned weight of each branch stands where its gate would");
  }
  if (!junction.gate) return;
  throw config::KeyError("norm.gpas.position", "puts two gates between one branch and the next under this scheme");
}

// The half of a junction that belongs to the branch it leaves.
void leave(const Sublayer& sublayer, const Site& site, bool gate_per_sublayer, WiredJunction& junction) {
  junction.rule.skip_scale = sublayer.skip_scale;
  junction.rule.branch_scale = sublayer.branch_scale;
  junction.rule.branch_norm = sublayer.branch_norm;
  junction.rule.out_norm = sublayer.out_norm;
  const bool has_branch_norm = sublayer.branch_norm != Norm::kNone;
  if (has_branch_norm) {
    junction.branch_gain =
        Gain{leaving_norm_name(site, sublayer.branch_norm, false), sublayer.branch_gain, sublayer.norm_alpha};
  }
  if (sublayer.out_norm != Norm::kNone) {
    junction.out_gain = Gain{leaving_norm_name(site, sublayer.out_norm, has_branch_norm), 1.0, sublayer.norm_alpha};
  }
  if (!sublayer.branch_weight.empty()) {
    junction.rule.gate = Gate::kBranch;
    junction.weight = Gain{layer_name(site, std::string(sublayer.branch_weight)), 0.0};
  }
  if (sublayer.gate == Gate::kNone || sublayer.gate == Gate::kNorm) return;
  require_free(junction);
  junction.rule.gate = sublayer.gate;
  junction.gate = gate_name(site, gate_per_sublayer);
}

// The half of a junction that belongs to the branch it leads to.
void enter(const Sublayer& sublayer, const Site& site, bool gate_per_sublayer, WiredJunction& junction) {
  junction.rule.next_norm = sublayer.input_norm;
  junction.rule.next_scale = sublayer.input_scale;
  if (sublayer.input_norm != Norm::kNone) {
    junction.next_gain = Gain{input_norm_name(sublayer, site, has_norm(junction.rule.branch_norm) || junction.out_gain),
                              sublayer.input_gain, sublayer.norm_alpha};
  }
  if (sublayer.gate != Gate::kNorm && !sublayer.gates_input) return;
  require_free(junction);
  if (sublayer.gates_input && junction.rule.out_norm != Norm::kNone) {
    throw config::KeyError("norm.gpas.position",
                           "input: under a scheme that normalises its sums the gate would stand behind that norm, "
                           "where a junction has no place for one; auto gates the skip instead");
  }
  junction.rule.gate = sublayer.gates_input ? Gate::kSum : Gate::kNorm;
  junction.gate = gate_name(site, gate_per_sublayer);
}

void put_custom_junctions(const Scheme& scheme, int64_t layers, Wiring& wiring) {
  for (int64_t branch = 0; branch < 2 * layers; ++branch) {
    const Site site{.layer = branch / 2, .layers = layers, .branch = kBranches[branch % 2]};
    auto custom = scheme.custom(site);
    if (!custom) continue;
    WiredJunction& junction = wiring.after[static_cast<size_t>(branch)];
    junction = WiredJunction();
    junction.custom = std::move(custom);
  }
}

}  // namespace

NormNames names_beside(const Gain& gain) {
  const std::string norm = gain.name.substr(0, gain.name.rfind('.'));
  return {norm + ".bias", norm + ".alpha", norm + ".shift"};
}

Wiring wire(const Scheme& scheme, int64_t layers, bool gate_per_sublayer) {
  Wiring wiring;
  wiring.entry.rule.out_norm = scheme.embedding_norm();
  if (wiring.entry.rule.out_norm != Norm::kNone) wiring.entry.out_gain = Gain{"model.embedding_norm.weight"};
  if (const auto scale = scheme.embedding_scale()) {
    wiring.entry.rule.gate = Gate::kSum;
    wiring.entry.weight = Gain{"model.embed_scale", *scale};
  }
  WiredJunction* junction = &wiring.entry;
  wiring.after.resize(static_cast<size_t>(2 * layers));
  for (int64_t layer = 0; layer < layers; ++layer) {
    for (const Branch branch : kBranches) {
      const Site site{.layer = layer, .layers = layers, .branch = branch};
      const Sublayer sublayer = scheme.sublayer(site);
      enter(sublayer, site, gate_per_sublayer, *junction);
      junction = &wiring.after[static_cast<size_t>(2 * layer + (branch == Branch::kFeedForward))];
      leave(sublayer, site, gate_per_sublayer, *junction);
    }
  }
  const FinalNorm last = scheme.final_norm();
  junction->rule.next_norm = last.norm;
  junction->next_gain = Gain{"model.norm.weight", 1.0, last.alpha};
  put_custom_junctions(scheme, layers, wiring);
  return wiring;
}

Wiring without_layer(Wiring wiring, int64_t layer) {
  const auto own = wiring.after.begin() + 2 * layer;
  WiredJunction& before = layer == 0 ? wiring.entry : *(own - 1);
  const WiredJunction& last = *(own + 1);
  STRATA_CHECK(!before.custom && !own->custom && !last.custom, "layer ", layer,
               " cannot be left out: this scheme writes its junctions itself");
  const std::string names = layer_name({.layer = layer}, "");
  if (before.gate && before.gate->starts_with(names)) {  // it gates what the layer reads
    before.gate.reset();
    before.rule.gate = Gate::kNone;
  }
  if (last.gate && !last.gate->starts_with(names)) {
    STRATA_CHECK(!before.gate, "layer ", layer, " cannot be left out: two gates would come between two branches");
    before.gate = last.gate;
    before.rule.gate = last.rule.gate;
  }
  before.rule.next_norm = last.rule.next_norm;
  before.rule.next_scale = last.rule.next_scale;
  before.next_gain = last.next_gain;
  wiring.after.erase(own, own + 2);
  return wiring;
}

}  // namespace strata::norm
