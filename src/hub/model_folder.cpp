#include "strata/hub/model_folder.h"

#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "hub/weight_map.h"
#include "strata/base/check.h"
#include "strata/io/json.h"
#include "strata/nn/model_folder.h"

namespace strata::hub {
namespace {

namespace fs = std::filesystem;

io::TensorFiles open_shards(const fs::path& folder) {
  const fs::path index = folder / kIndexFile;
  const auto map = read_weight_map(index);
  std::set<fs::path> shards;
  for (const auto& [tensor, file] : map) shards.insert(folder / file);
  io::TensorFiles weights(std::vector<fs::path>(shards.begin(), shards.end()));
  for (const auto& [tensor, file] : map) {
    STRATA_CHECK(weights.contains(tensor) && weights.file_of(tensor).filename() == file, index.string(),
                 ": weight_map: ", tensor, " is said to be in ", file, ", which has no such tensor");
  }
  return weights;
}

bool same_values(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() &&
         std::memcmp(a.const_data_ptr(), b.const_data_ptr(), a.nbytes()) == 0;
}

struct Described {
  config::Loaded loaded;
  bool tied = false;
};

Described describe_folder(const fs::path& folder) {
  const auto ours = folder / nn::kConfigFile;
  const auto hugging_face = folder / "config.json";
  if (fs::exists(ours)) return {config::load(ours)};
  STRATA_CHECK(fs::exists(hugging_face), folder.string(), ": is not a model folder (no ", nn::kConfigFile,
               " and no config.json)");
  Described described{{.config = {}, .origins = config::Origins(hugging_face.string())}};
  const HfConfig read = read_hf_config(hugging_face);
  described.loaded.config.model = read.model;
  described.tied = read.tied;
  return described;
}

}  // namespace

std::map<std::string, std::string> read_weight_map(const fs::path& index) {
  const nlohmann::json root = io::read_json(index);
  const auto map = root.is_object() ? root.find("weight_map") : root.end();
  STRATA_CHECK(map != root.end() && map->is_object() && !map->empty(), index.string(), ": has no weight_map");
  std::map<std::string, std::string> files;
  for (const auto& [tensor, file] : map->items()) {
    const std::string name = file.is_string() ? file.get<std::string>() : "";
    STRATA_CHECK(!name.empty() && fs::path(name).filename() == name, index.string(), ": weight_map: ", tensor,
                 " is in ", file.dump(), ", which is not a file's name");
    files[tensor] = name;
  }
  return files;
}

io::TensorFiles open_weights(const fs::path& folder) {
  const fs::path whole = folder / nn::kWeightsFile;
  if (fs::exists(whole)) return io::TensorFiles(whole);
  STRATA_CHECK(fs::exists(folder / kIndexFile), folder.string(), ": has no ", nn::kWeightsFile, " and no ", kIndexFile);
  return open_shards(folder);
}

io::TensorFiles with_tied_head(const io::TensorFiles& weights) {
  STRATA_CHECK(weights.contains(kEmbeddingName), weights.shown(), ": has no tensor ", kEmbeddingName);
  STRATA_CHECK(!weights.contains(kHeadName) || same_values(weights.tensor(kHeadName), weights.tensor(kEmbeddingName)),
               weights.shown(), ": tie_word_embeddings is true, but ", kHeadName, " is not ", kEmbeddingName);
  std::map<std::string, std::string> names;
  for (const std::string& name : weights.names()) names[name] = name;
  names[kHeadName] = kEmbeddingName;
  return weights.under(names);
}

ModelFolder open_model_folder(const fs::path& folder) {
  STRATA_CHECK(fs::is_directory(folder), folder.string(), ": no such folder");
  io::TensorFiles weights = open_weights(folder);
  Described described = describe_folder(folder);
  if (described.tied) weights = with_tied_head(weights);
  config::Loaded& loaded = described.loaded;
  std::string& tokenizer = loaded.config.data.tokenizer;
  if (tokenizer.empty() && fs::exists(folder / kTokenizerFile)) tokenizer = folder / kTokenizerFile;
  try {
    nn::ModelSpec spec = nn::describe(loaded.config.model, loaded.config.norm);
    return {std::move(loaded.config), std::move(spec), std::move(weights)};
  } catch (const config::KeyError& error) {
    throw loaded.origins.locate(error);
  }
}

}  // namespace strata::hub
