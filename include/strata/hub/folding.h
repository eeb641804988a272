#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "strata/io/tensor_files.h"
#include "strata/nn/model_spec.h"

namespace strata::hub {

/// Architectures of transformers.
enum class Stock {
  kLlama,
  kQwen3,  // LLaMA with norms on each head of q and k
  kOlmo2,  // norms behind the branches alone, and over all of q and of k
};

/// The class of transformers that computes it: "LlamaForCausalLM".
std::string_view class_of(Stock stock);

/// What turns a model into a stock one with the same logits: OLMo 2 as it is, pre-norm models by scaling weights.
///
/// A junction that only scales its stream, its branch or what the next branch reads (gates, skip_scale, branch_scale as
/// it is in spec.update, next_scale) can be written without doing so. Say the stream is x = c y with c the product of
/// all that scaled it so far. Then
///
///   x' = g (a c y + b f)     becomes     y' = y + (b / a c) f,  c' = g a c
///
/// and b / (a c) goes into the weight that ends the branch, o_proj or down_proj, as a scale of every channel does. A
/// norm that follows reads y for x: its direction is the same, so only its eps acts on a stream that is 1 / c times as
/// large.
struct Folding {
  Stock stock = Stock::kLlama;
  std::string obstacle = {};  // why nothing makes it one ("the sum after attention of layer 0 is normalised"), or empty
  std::vector<double> branches = {};       // 2 L: factor of each branch's last weight
  std::vector<std::string> channels = {};  // 2 L: the parameter [hidden] that scales that weight's rows, or nothing
  std::vector<double> gains = {};          // 2 L + 1: factor of the gain before each branch, and of the final norm's
  double stream = 1.0;                     // c at the end: the product of all that scales the stream

  bool is_identity() const;
};

/// Gates as the model computes them in fp32, products in fp64. An obstacle is a norm or a junction that stock LLaMA
/// lacks, a gate that scales the stream by nought or less, or a product that leaves fp32's range.
Folding fold(const nn::ModelSpec& spec, const io::TensorFiles& weights);

}  // namespace strata::hub
