#pragma once

#include <span>
#include <vector>

#include "strata/data/prefix_tree.h"
#include "strata/nn/model.h"

namespace strata::eval {

/// Of each row the sum of -log p over its targets, in nats: fp64 sums in the targets' order. as_tree: what rows begin
/// with alike is computed once, which the model's limits have to allow.
std::vector<double> row_losses(nn::Model& model, std::span<const data::ScoredRow> rows, bool as_tree);

}  // namespace strata::eval
