#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "strata/eval/request.h"
#include "strata/nn/model.h"
#include "strata/workers/communicator.h"

namespace strata::eval {

struct ScoringOptions {
  int64_t max_length = 2048;  // tokens that the model sees of a request: the last ones
  int64_t batch = 0;          // items at a time; 0: as many as the model's batch limits allow
};

/// Of each choice of an item the sum of log p(token | all before it) over its continuation, in nats.
using LogLikelihoods = std::vector<double>;

/// Called on every worker for every item, by its place among those that were asked for, in an order that depends on the
/// batches.
using WhenScored = std::function<void(size_t item, const LogLikelihoods&)>;

/// What a batch has to hold for an item alone.
struct ItemSize {
  int64_t tokens = 0;
  int64_t targets = 0;  // scored positions
  int64_t longest = 0;  // tokens of its longest request
};
/// trees: what requests begin with alike counts once.
ItemSize size_of(const AskedItem& item, int64_t max_length, bool trees);

/// Scores items, a collective: batches are dealt out to the workers.
///
/// Items are sorted by their ids, so that those that begin alike share a batch; where the model's limits allow trees,
/// what requests begin with alike is computed once. With the `tiles` GEMM on the CPU the log-likelihoods depend, to the
/// bit, neither on the batches and the other items, nor on the number of workers or threads.
/// Throws Error for an item that does not fit into the model's limits.
void score(nn::Model& model, std::span<const AskedItem* const> items, const ScoringOptions& options,
           workers::Communicator& workers, const WhenScored& when_scored);

}  // namespace strata::eval
