#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "strata/norm/junction.h"

namespace strata::norm {

class Scheme;

/// The gain of one norm: a parameter [hidden].
struct Gain {
  std::string name;  // as in the paper's checkpoints
  double start = 1.0;
  double alpha = 0.5;  // what the number alpha of a norm that has one starts from
};

/// The names of a norm's other parameters, which stand beside its gain.
struct NormNames {
  std::string bias, alpha, shift;
};
NormNames names_beside(const Gain& gain);

/// A junction with the parameters it uses. A gain is there exactly where the rule has the norm. Where there is a
/// custom junction it takes the place of everything else.
struct WiredJunction {
  Junction rule;
  std::optional<Gain> branch_gain;
  std::optional<Gain> out_gain;
  std::optional<Gain> next_gain;
  std::optional<std::string> gate;  // name of the gate's parameter; there where rule.gate is not kNone, but for:
  std::optional<Gain> weight;       // what rule.gate names, the branch or at the entry the sum, is multiplied by this
                                    // number itself
  std::optional<CustomJunction> custom;
};

/// A scheme laid out over a model: `entry` between the embedding and the first branch (its s is the embedding),
/// `after[2 l + b]` after branch b of layer l. The last one's next_norm is the final norm `model.norm.weight`.
struct Wiring {
  WiredJunction entry;
  std::vector<WiredJunction> after;
};

/// The same model without a layer, its norms and its gate: the branch before it is left as ever, and what it leads to
/// is read as by the layer behind. Throws Error where junctions of that layer are a scheme's own functions.
Wiring without_layer(Wiring wiring, int64_t layer);

/// Throws config::KeyError("norm.gpas.position") for a position that the scheme has no place for.
Wiring wire(const Scheme& scheme, int64_t layers, bool gate_per_sublayer);

}  // namespace strata::norm
