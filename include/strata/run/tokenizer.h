#pragma once

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/config/run_config.h"
#include "strata/data/source.h"
#include "strata/data/tokenizer.h"
#include "strata/hub/model_folder.h"

namespace strata::run {

/// What data.tokenizer names. Throws UsageError where it names nothing, and where the model's vocabulary is too small.
inline data::Tokenizer open_tokenizer(const config::RunConfig& config) {
  if (config.data.tokenizer.empty()) throw UsageError("data.tokenizer: names no sentencepiece model");
  const std::filesystem::path file = data::local_copy(config.data.tokenizer, config.data.cache);
  if (!std::filesystem::exists(file)) {
    throw UsageError(str("data.tokenizer: there is no file ", file.string(),
                         file.is_relative() ? " (looked in " + std::filesystem::current_path().string() + ")" : ""));
  }
  data::Tokenizer tokenizer(file);
  if (tokenizer.vocab_size() > config.model.vocab) {
    throw UsageError(str("model.vocab=", config.model.vocab, " is too small for the ", tokenizer.vocab_size(),
                         " ids of data.tokenizer=", config.data.tokenizer));
  }
  return tokenizer;
}

/// Warns where a model was trained with another one.
inline void check_tokenizer(const data::Tokenizer& tokenizer, const hub::ModelFolder& folder) {
  if (folder.tokenizer_fingerprint.empty() || folder.tokenizer_fingerprint == hex(tokenizer.fingerprint())) return;
  log::warn("the model was trained with another tokenizer: its ids mean other pieces");
}

}  // namespace strata::run
