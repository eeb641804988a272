#pragma once

#include <map>
#include <string>

#include "strata/data/token_batch.h"
#include "strata/nn/model_spec.h"

namespace strata::test {

/// The oracle: the model in plain ATen operations, one row at a time, in fp64 under autograd.
struct ReferenceResult {
  at::Tensor logits_NV;
  std::vector<at::Tensor> hidden_ND;  // the residual stream that leaves each layer
  at::Tensor loss;                    // mean over the targets
};

using TensorMap = std::map<std::string, at::Tensor>;

/// fp64 copies of the parameters, as leaves that want gradients.
TensorMap reference_leaves(const TensorMap& parameters);

ReferenceResult reference_forward(const nn::ModelSpec& spec, const TensorMap& leaves, const data::TokenBatch& batch);

/// The id that each position is scored against, or kIgnore: int64 [N].
at::Tensor targets_N(const data::TokenBatch& batch);

/// |a - b| / |b| in L2; |a| where b is zero.
double relative_error(const at::Tensor& a, const at::Tensor& b);

}  // namespace strata::test
