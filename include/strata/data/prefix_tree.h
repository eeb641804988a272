#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "strata/data/token_batch.h"

namespace strata::data {

/// A row of which only the last positions are scored, each against an id of its own.
struct ScoredRow {
  std::vector<int32_t> ids;
  std::vector<int32_t> targets;  // of the last targets.size() positions
};

/// One batch of such rows, in which what several of them begin with is there once: they are laid out as a tree.
/// loss_positions_T and targets_T: row by row, in the rows' order; a position is there once for each row that scores
/// it. longest_row is that of the longest way through the tree. Throws Error for an empty row or an id outside the
/// vocabulary.
TokenBatch prefix_tree(std::span<const ScoredRow> rows, int64_t vocab);

/// The same batch with each row for itself: where attention knows no trees.
TokenBatch separate_rows(std::span<const ScoredRow> rows, int64_t vocab);

/// How many ids the two begin with in common. Among rows sorted by their ids, prefix_tree computes of each what it does
/// not have in common with the row before it.
int64_t common_prefix(std::span<const int32_t> a, std::span<const int32_t> b);

}  // namespace strata::data
