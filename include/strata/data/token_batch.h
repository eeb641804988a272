#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace strata::data {

/// The target of a position that is not scored.
inline constexpr int64_t kIgnore = -100;

using TokenRows = std::vector<std::vector<int64_t>>;

/// What else than its rows decides a batch's shape.
struct BatchShape {
  int64_t token_multiple = 1;  // the number of tokens is padded to a multiple of it: matrix products like some better
  // One shape for all batches of so many tokens in at most so many rows; 0: as they come. Empty rows stand behind the
  // others, and every position counts as scored, without a target at a loss of nought.
  int64_t fixed_rows = 0;
  int64_t fixed_longest = 0;  // what longest_row is then: the most it can be
};

/// Rows laid end to end: the input of one forward pass. N tokens, R rows, T positions that are scored.
///
/// There is no padding inside; padding to BatchShape::token_multiple comes as rows of its own behind all others,
/// without targets, so that nothing sees it.
struct TokenBatch {
  at::Tensor tokens_N;              // int64
  at::Tensor positions_N;           // int32, from 0 in each row
  at::Tensor row_starts_R1;         // int32: from 0 to N
  at::Tensor loss_positions_T;      // int64: the positions that are scored
  at::Tensor targets_T;             // int64: the id that each of them is scored against, or kIgnore
  at::Tensor by_id_N;               // int64: positions sorted by token id, then position
  std::vector<int32_t> row_starts;  // the same as row_starts_R1, in the host's memory
  int64_t longest_row = 0;          // tokens
  int64_t num_padding = 0;          // tokens
  int64_t targets = 0;              // scored positions that have one
  // Where rows continue others (see prefix_tree.h; nothing has gradients then), else empty: row r goes on after the
  // first row_offsets[r] tokens of row row_parents[r] and of what that one continues; -1 and 0: of nothing.
  std::vector<int32_t> row_parents = {};
  std::vector<int32_t> row_offsets = {};

  /// Targets are the next token of the row. `labels`, where given, say per position (not shifted: position t is scored
  /// against label t + 1) which id counts, kIgnore where none. Throws Error for an empty row, labels of another shape,
  /// or an id outside the vocabulary, naming row and position.
  static TokenBatch from_rows(const TokenRows& rows, const TokenRows* labels, int64_t vocab,
                              const BatchShape& shape = {});

  /// No rows at all: what is left of an epoch may be fewer rows than the micro-batches take.
  static TokenBatch empty();

  int64_t num_tokens() const { return tokens_N.size(0); }  // with padding
  int64_t num_real_tokens() const { return num_tokens() - num_padding; }
  int64_t num_rows() const { return static_cast<int64_t>(row_starts.size()) - 1; }
  int64_t num_scored() const { return loss_positions_T.size(0); }
  int64_t num_targets() const { return targets; }
};

/// A tensor of a batch: its name, and the bytes of one of its elements.
struct BatchTensor {
  const char* name;
  at::Tensor TokenBatch::*member;
  int64_t element_size;
};

/// All of them, in the order in which they travel. None but row_starts_R1, with N + 1 at most, has more than N
/// elements.
inline constexpr BatchTensor kBatchTensors[] = {{"tokens_N", &TokenBatch::tokens_N, 8},
                                                {"targets_T", &TokenBatch::targets_T, 8},
                                                {"loss_positions_T", &TokenBatch::loss_positions_T, 8},
                                                {"by_id_N", &TokenBatch::by_id_N, 8},
                                                {"positions_N", &TokenBatch::positions_N, 4},
                                                {"row_starts_R1", &TokenBatch::row_starts_R1, 4}};

/// What the tensors of a batch take, but for row_starts_R1: rows are long.
inline constexpr int64_t kBytesPerToken = [] {
  int64_t bytes = 0;
  for (const BatchTensor& tensor : kBatchTensors) {
    if (tensor.member != &TokenBatch::row_starts_R1) bytes += tensor.element_size;
  }
  return bytes;
}();

}  // namespace strata::data
