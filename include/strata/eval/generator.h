#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "strata/nn/model.h"

namespace strata::eval {

/// How the next token is chosen.
struct SamplingOptions {
  double temperature = 0.0;  // 0: the likeliest token
  int64_t top_k = 0;         // only the k likeliest; 0: all
  double top_p = 1.0;        // only the likeliest that together have this probability
  uint64_t seed = 42;
};

/// The id drawn from logits_V (fp32 or bf16); `draw` is a uniform number in [0, 1).
int64_t sample(const at::Tensor& logits_V, const SamplingOptions& options, double draw);

/// Continues `prompt` by up to `count` tokens, or until `end_id`, with a key-value cache: each token is computed once.
/// Token t of the answer depends on the seed and t alone, beside the text. Calls `emit` with each id.
/// Throws Error if prompt and answer do not fit into the model's longest row.
std::vector<int64_t> generate(nn::Model& model, const std::vector<int64_t>& prompt, int64_t count, int64_t end_id,
                              const SamplingOptions& options, const std::function<void(int64_t)>& emit = {});

}  // namespace strata::eval
