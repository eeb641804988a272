#include "strata/hub/model_folder.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "hub/weight_map.h"
#include "strata/base/check.h"
#include "strata/data/tokenizer.h"
#include "strata/io/file.h"
#include "strata/io/json.h"
#include "strata/nn/model_folder.h"
#include "strata/train/checkpoint/checkpoint.h"
#include "strata/train/checkpoint/retention.h"

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

bool is_run(const fs::path& folder) {
  return fs::is_directory(folder / "checkpoints") && !fs::exists(folder / nn::kWeightsFile);
}

fs::path checkpoint_of(const fs::path& run, const std::string& which) {
  const std::vector<fs::path> all = train::checkpoints_of(run);
  STRATA_CHECK(!all.empty(), run.string(), ": has no checkpoint yet");
  if (which.empty()) return all.back();
  if (which == "best") {
    const auto best = train::best_checkpoint(run);
    STRATA_CHECK(best.has_value(), run.string(), ": none of its checkpoints was evaluated");
    return *best;
  }
  const auto is_named = [&](const fs::path& path) { return std::to_string(train::step_of(path)) == which; };
  const auto found = std::ranges::find_if(all, is_named);
  STRATA_CHECK(found != all.end(), run.string(), "@", which,
               ": no such checkpoint; behind @ stands best or a step, the last of ", all.size(), " is ",
               train::step_of(all.back()));
  return *found;
}

// Of a checkpoint.
std::optional<train::CheckpointState> state_in(const fs::path& folder) {
  const fs::path state = folder / train::kStateFile;
  if (!fs::exists(state)) return std::nullopt;
  return train::parse_state(io::read_text(state), state.string());
}

struct Described {
  config::Loaded loaded;
  bool tied = false;
};

// What nobody says was trained on shorter rows.
void take_all_positions(config::RunConfig& config) { config.data.sequence_length = config.model.max_positions; }

Described describe_folder(const fs::path& folder) {
  const auto ours = folder / nn::kConfigFile;
  const auto hugging_face = folder / "config.json";
  if (fs::exists(ours)) {
    Described described{config::load(ours)};
    if (!described.loaded.origins.given("data.sequence_length")) take_all_positions(described.loaded.config);
    return described;
  }
  STRATA_CHECK(fs::exists(hugging_face), folder.string(), ": is not a model folder (no ", nn::kConfigFile,
               " and no config.json)");
  Described described{{.config = {}, .origins = config::Origins(hugging_face.string())}};
  const HfConfig read = read_hf_config(hugging_face);
  described.loaded.config.model = read.model;
  described.loaded.config.norm.scheme = read.scheme;
  take_all_positions(described.loaded.config);
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

std::optional<fs::path> find_model_folder(const fs::path& name) {
  const std::string text = name.string();
  const size_t sign = text.rfind('@');
  if (fs::is_directory(name)) return is_run(name) ? checkpoint_of(name, "") : name;
  if (sign == std::string::npos || !is_run(text.substr(0, sign))) return std::nullopt;
  return checkpoint_of(text.substr(0, sign), text.substr(sign + 1));
}

ModelFolder open_model_folder(const fs::path& name) {
  const auto found = find_model_folder(name);
  if (!found) throw UsageError(name.string() + ": no such folder");
  const fs::path& folder = *found;
  train::verify_weights(folder);
  io::TensorFiles weights = open_weights(folder);
  Described described = describe_folder(folder);
  if (described.tied) weights = with_tied_head(weights);
  config::Loaded& loaded = described.loaded;
  std::string& tokenizer = loaded.config.data.tokenizer;
  if (tokenizer.empty()) tokenizer = data::tokenizer_in(folder);
  try {
    nn::ModelSpec spec = nn::describe(loaded.config.model, loaded.config.norm);
    const auto state = state_in(folder);
    if (state) spec.update = state->progress.step;
    return {std::move(loaded.config), std::move(spec), state ? state->tokenizer_fingerprint : "", std::move(weights)};
  } catch (const config::KeyError& error) {
    throw loaded.origins.locate(error);
  }
}

}  // namespace strata::hub
