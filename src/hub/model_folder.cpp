#include "strata/hub/model_folder.h"

#include "strata/base/check.h"
#include "strata/nn/model_folder.h"

namespace strata::hub {
namespace {

config::Loaded config_of(const std::filesystem::path& folder) {
  const auto ours = folder / nn::kConfigFile;
  const auto hugging_face = folder / "config.json";
  if (std::filesystem::exists(ours)) return config::load(ours);
  STRATA_CHECK(std::filesystem::exists(hugging_face), folder.string(), ": is not a model folder (no ", nn::kConfigFile,
               " and no config.json)");
  config::Loaded loaded{.config = {}, .origins = config::Origins(hugging_face.string())};
  loaded.config.model = read_hf_config(hugging_face);
  return loaded;
}

}  // namespace

ModelFolder open_model_folder(const std::filesystem::path& folder) {
  STRATA_CHECK(std::filesystem::is_directory(folder), folder.string(), ": no such folder");
  const auto weights = folder / nn::kWeightsFile;
  STRATA_CHECK(std::filesystem::exists(weights), folder.string(), ": has no ", nn::kWeightsFile);
  config::Loaded loaded = config_of(folder);
  try {
    nn::ModelSpec spec = nn::describe(loaded.config.model, loaded.config.norm);
    return {std::move(loaded.config), std::move(spec), weights};
  } catch (const config::KeyError& error) {
    throw loaded.origins.locate(error);
  }
}

}  // namespace strata::hub
