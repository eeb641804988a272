#pragma once

#include <string>
#include <vector>

#include "eval_setup.h"
#include "strata/eval/scorer.h"

namespace strata::tools {

struct EvalPerplexityArguments {
  std::vector<std::string> files;  // files, globs, folders, URLs
  int64_t stride = 0;              // 0: half of the length
  eval::ScoringOptions scoring;    // max_length 0: as long as the model allows
  std::string output;              // JSON; empty: only the table
  bool markdown = false;
};

/// Measures the model's loss on the files' documents, prints it and writes it.
void evaluate_perplexity(const EvalModelArguments& model, const EvalPerplexityArguments& arguments);

}  // namespace strata::tools
