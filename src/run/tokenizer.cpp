#include "strata/run/tokenizer.h"

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/data/source.h"

namespace strata::run {
namespace {

// key: what named the file. advice: what else would do.
data::Tokenizer open_named(const config::RunConfig& config, const std::string& key, const std::string& advice) {
  const std::filesystem::path file = data::local_copy(config.data.tokenizer, config.data.cache);
  if (!std::filesystem::exists(file)) {
    throw UsageError(str(key, ": there is no file ", file.string(),
                         file.is_relative() ? " (looked in " + std::filesystem::current_path().string() + ")" : "",
                         advice));
  }
  data::Tokenizer tokenizer(file, {.bos = config.data.bos, .eos = config.data.eos});
  if (tokenizer.vocab_size() > config.model.vocab) {
    throw UsageError(str("model.vocab=", config.model.vocab, " is too small for the ", tokenizer.vocab_size(),
                         " ids of ", key, "=", config.data.tokenizer));
  }
  return tokenizer;
}

}  // namespace

data::Tokenizer open_tokenizer(const config::RunConfig& config) {
  if (config.data.tokenizer.empty()) throw UsageError("data.tokenizer: names no sentencepiece model or tokenizer.json");
  return open_named(config, "data.tokenizer", "");
}

void settle_vocabulary(config::RunConfig& config) {
  if (config.model.vocab != config::ModelConfig::kAutoVocab) return;
  if (config.data.tokenizer.empty()) throw config::KeyError("model.vocab", "auto counts what data.tokenizer has");
  config.model.vocab = config::ModelConfig::kMost;
  config.model.vocab = (open_tokenizer(config).vocab_size() + kVocabMultiple - 1) / kVocabMultiple * kVocabMultiple;
}

data::Tokenizer tokenizer_for(const hub::ModelFolder& folder, const std::string& given) {
  config::RunConfig config = folder.config;
  if (!given.empty()) config.data.tokenizer = given;
  if (config.data.tokenizer.empty()) {
    throw UsageError(str(folder.weights.shown(), ": its folder names no tokenizer; give a sentencepiece model or a ",
                         "tokenizer.json with --tokenizer"));
  }
  data::Tokenizer tokenizer = given.empty() ? open_named(config, "data.tokenizer", "; --tokenizer FILE names another")
                                            : open_named(config, "--tokenizer", "");
  if (!folder.tokenizer_fingerprint.empty() && folder.tokenizer_fingerprint != hex(tokenizer.fingerprint())) {
    log::warn("the model was trained with another tokenizer: its ids mean other pieces");
  }
  return tokenizer;
}

}  // namespace strata::run
