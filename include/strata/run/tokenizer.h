#pragma once

#include <cstdint>
#include <string>

#include "strata/config/run_config.h"
#include "strata/data/tokenizer.h"
#include "strata/hub/model_folder.h"

namespace strata::run {

/// What data.tokenizer names. Throws UsageError where it names nothing, and where the model's vocabulary is too small.
data::Tokenizer open_tokenizer(const config::RunConfig& config);

/// What matrix products like: model.vocab=auto is a multiple of it.
inline constexpr int64_t kVocabMultiple = 64;

/// Puts a number for model.vocab=auto: the ids of data.tokenizer, to the next multiple. Throws as open_tokenizer, and
/// KeyError where data.tokenizer is empty.
void settle_vocabulary(config::RunConfig& config);

/// The tokenizer of a model's folder, or `given` in its place unless that is empty. Warns where the model was trained
/// with another one. Throws as open_tokenizer.
data::Tokenizer tokenizer_for(const hub::ModelFolder& folder, const std::string& given);

}  // namespace strata::run
