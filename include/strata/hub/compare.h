#pragma once

#include <string>
#include <vector>

#include "strata/data/token_batch.h"
#include "strata/data/tokenizer.h"
#include "strata/hub/model_folder.h"
#include "strata/kernels/gemm.h"

namespace strata::hub {

/// How far the logits of two models lie from each other.
struct LogitDifference {
  double largest = 0.0;
  double mean = 0.0;           // of the absolute differences
  double largest_logit = 0.0;  // of the first model
  int64_t tokens = 0;
};

/// Both computed in fp32, one model in memory at a time. Throws Error where a logit is not finite.
LogitDifference compare_logits(const ModelFolder& one, const ModelFolder& other, const data::TokenRows& rows,
                               const kernels::Gemm& gemm);

/// The first tokens of a file (anything that data.train takes) or, without one, of a paragraph of English.
data::TokenRows rows_of_text(const data::Tokenizer& tokenizer, const std::string& file, int64_t longest_row);

/// Ids drawn at random, always the same.
data::TokenRows random_rows(int64_t vocab, int64_t longest_row);

}  // namespace strata::hub
