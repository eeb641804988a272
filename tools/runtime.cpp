#include "runtime.h"

#include <ATen/Parallel.h>

#include "strata/config/enums.h"
#include "strata/config/load.h"
#include "strata/config/print.h"
#include "strata/data/source.h"
#include "strata/hub/model_folder.h"
#include "strata/nn/of_config.h"

namespace strata::tools {
namespace {

// A model stays what it was trained as.
void take_model(config::Loaded& loaded) {
  config::RunConfig& config = loaded.config;
  const config::RunConfig folder = [&] {
    try {
      return hub::open_model_folder(config.sft.model).config;
    } catch (const Error& failure) {
      throw config::KeyError("sft.model", failure.what());
    }
  }();
  config::RunConfig taken = config;
  taken.model = folder.model;
  taken.norm = folder.norm;
  if (taken.data.tokenizer.empty()) taken.data.tokenizer = folder.data.tokenizer;
  for (const config::Difference& difference : config::differences(config, taken)) {
    if (difference.key == "data.tokenizer" || !loaded.origins.given(difference.key)) continue;
    throw config::KeyError(difference.key, str(difference.before, " is not what ", config.sft.model, " has, ",
                                               difference.now, "; leave it out"));
  }
  config = taken;
}

}  // namespace

void set_threads(const config::RunSettings& run) {
  if (run.threads > 0) at::set_num_threads(static_cast<int>(run.threads));
}

std::unique_ptr<kernels::Gemm> start(const config::RunSettings& run) {
  set_threads(run);
  if (run.gemm == config::Gemm::kAuto) return kernels::fastest_gemm();
  return kernels::make_gemm(std::string(config::enum_name(run.gemm)));
}

std::unique_ptr<kernels::Gemm> common_gemm(const config::RunSettings& run, workers::Communicator& workers) {
  if (!workers.is_first()) return kernels::make_gemm(workers::broadcast_text(workers, ""));
  auto gemm = start(run);
  workers::broadcast_text(workers, gemm->name());
  return gemm;
}

config::RunConfig load_config(const std::string& path, const std::vector<std::string>& overrides) {
  const auto complete = [](config::Loaded& loaded) {
    if (!loaded.config.sft.model.empty()) take_model(loaded);
  };
  const config::Loaded loaded = config::load(path, overrides, complete);
  try {
    nn::describe(loaded.config);
  } catch (const config::KeyError& error) {
    throw loaded.origins.locate(error);
  }
  return loaded.config;
}

data::Tokenizer open_tokenizer(const config::RunConfig& config) {
  if (config.data.tokenizer.empty()) throw UsageError("data.tokenizer: names no sentencepiece model");
  data::Tokenizer tokenizer(data::local_copy(config.data.tokenizer, config.data.cache));
  if (tokenizer.vocab_size() > config.model.vocab) {
    throw UsageError(str("model.vocab=", config.model.vocab, " is too small for the ", tokenizer.vocab_size(),
                         " ids of data.tokenizer=", config.data.tokenizer));
  }
  return tokenizer;
}

void add_config_option(CLI::App& command, ConfigArguments& arguments) {
  command.add_option("config", arguments.path, "YAML file")->required();
}

void add_override_option(CLI::App& command, ConfigArguments& arguments) {
  command.add_option("overrides", arguments.overrides,
                     "key.path=value, over the config file; strata inspect --keys lists the keys");
}

}  // namespace strata::tools
