#pragma once

#include "strata/base/check.h"
#include "strata/config/run_config.h"
#include "strata/data/source.h"
#include "strata/data/tokenizer.h"

namespace strata::run {

/// What data.tokenizer names. Throws UsageError where it names nothing, and where the model's vocabulary is too small.
inline data::Tokenizer open_tokenizer(const config::RunConfig& config) {
  if (config.data.tokenizer.empty()) throw UsageError("data.tokenizer: names no sentencepiece model");
  data::Tokenizer tokenizer(data::local_copy(config.data.tokenizer, config.data.cache));
  if (tokenizer.vocab_size() > config.model.vocab) {
    throw UsageError(str("model.vocab=", config.model.vocab, " is too small for the ", tokenizer.vocab_size(),
                         " ids of data.tokenizer=", config.data.tokenizer));
  }
  return tokenizer;
}

}  // namespace strata::run
