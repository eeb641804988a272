#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "strata/data/token_batch.h"
#include "strata/eval/perplexity.h"
#include "strata/nn/model.h"

namespace strata::eval {

/// The beginning of a text, in rows as training has them. A document that is longer than a row goes on in the next.
struct Excerpt {
  data::TokenRows rows;
  int64_t documents = 0;
  int64_t tokens = 0;
  int64_t targets = 0;  // all tokens but the first of each row
  int64_t longest = 0;  // tokens of the longest row
};

/// The first `tokens` tokens of the documents, which are read no further. Throws Error where no row has a second token.
Excerpt excerpt_of(const NextDocument& next, int64_t max_length, int64_t tokens);

struct GateValue {
  int64_t layer = 0;
  double alpha = 0.0;
  double factor = 1.0;  // 1 - act(alpha)
};

/// What a model's layers do on a text.
///
/// Places are points of the residual stream: place 0 is the embedding, place l + 1 what leaves layer l. The distance of
/// two places is that by which Gromov et al. choose layers to prune ("The Unreasonable Ineffectiveness of the Deeper
/// Layers", arXiv 2403.17887):
///
///   d(x, y) = arccos(x . y / (|x| |y|)) / pi
///
/// x and y are the streams of one token at the two places: 0 is the same direction, 1/2 a right angle, 1 the opposite
/// direction. The paper takes the last token of each sequence; this is the mean over all tokens, so that a short text
/// is enough. A stream of nought is at a right angle to every other.
struct Analysis {
  int64_t tokens = 0;
  double loss = 0.0;                                  // nats a target
  std::vector<std::vector<double>> angular_distance;  // of every pair of places: symmetric, 0 on the diagonal
  std::vector<double> activation_variance;            // of what leaves each layer, over all tokens and channels
  std::vector<double> gradient_norm;  // of each layer: L2 norm of the gradients of its parameters, of the mean loss
  std::vector<GateValue> gates;       // in the order of the layers
};

/// The model must have gradients, which are overwritten. Batches are as many rows as its limits allow; sums over tokens
/// are fp64, so that the division into batches only shows in the last bits of fp32 gradients. when_analyzed is told how
/// many tokens are done. Throws Error for an id outside the vocabulary, and where the loss is not finite.
Analysis analyze(nn::Model& model, const Excerpt& text, const std::function<void(int64_t tokens)>& when_analyzed = {});

/// As analysis.json has it (strata inspect --metrics).
nlohmann::json to_json(const Analysis& analysis);

}  // namespace strata::eval
