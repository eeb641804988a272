#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "strata/base/parameter.h"
#include "strata/config/model.h"
#include "strata/config/norm.h"
#include "strata/norm/scheme.h"
#include "strata/norm/wiring.h"

namespace strata::nn {

/// How wide a dimension of a weight is in the arenas, and of what it computes: the next multiple of 64 where it is none
/// of 8. Products whose rows begin at odd addresses are several times slower on a GPU.
constexpr int64_t padded_width(int64_t width) { return width % 8 == 0 ? width : (width + 63) / 64 * 64; }

/// All parameters of a model and where they lie in the arenas, in the order in which the forward pass first uses them:
/// once the backward pass has left a section, its gradients are final. q, k, v and gate, up lie side by side.
struct ParameterLayout {
  std::vector<ParamSpec> params;
  std::vector<ArenaRange> sections;  // embedding, layer 0 ... L-1, head; contiguous
  int64_t arena_size = 0;            // elements, with what alignment and padding leave empty

  /// Throws Error for a name that is not there.
  const ParamSpec& find(const std::string& name) const;
  bool contains(const std::string& name) const;
  /// The number of parameters, without alignment and padding.
  int64_t count() const;
};

/// Everything about a model that is known before any memory is taken.
struct ModelSpec {
  config::ModelConfig dims;
  norm::Wiring wiring;
  norm::AttentionNorms attention_norms;
  config::GpasConfig gate;
  ParameterLayout layout;
  ParameterLayout trained;  // what is trained, and where it lies in the arena of gradients; unless frozen, all of it
  std::vector<int64_t> layers = {};    // those that the decoder goes through, which the wiring is about
  int64_t update = norm::kEndOfRamps;  // that a model of it begins in, where its scheme moves with them
};

/// The same parameters, and a decoder that passes a layer over, for evaluation. Throws Error as norm::without_layer.
ModelSpec without_layer(ModelSpec spec, int64_t layer);

/// Throws config::KeyError for a scheme or option that does not exist.
ModelSpec describe(const config::ModelConfig& dims, const config::NormConfig& norm);

/// The same for a scheme of one's own.
ModelSpec describe(const config::ModelConfig& dims, const norm::Scheme& scheme, const config::GpasConfig& gate = {});

/// Multiply-adds times two of forward and backward for one token at the end of a row of `context` tokens, attention
/// counted causally; embedding look-ups are free, and so are the gradients of a frozen layer's weights, and the head
/// where nothing is scored.
struct TokenWork {
  double context = 0.0;
  int64_t trained_layers = -1;  // -1: all
  double scored_share = 1.0;    // of the tokens
};
double flops_per_token(const config::ModelConfig& dims, const TokenWork& work);
inline double flops_per_token(const config::ModelConfig& dims, int64_t context) {
  return flops_per_token(dims, {.context = static_cast<double>(context)});
}

}  // namespace strata::nn
