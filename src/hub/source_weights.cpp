#include "hub/source_weights.h"

#include <ATen/ops/equal.h>

#include <algorithm>

#include "hub/weight_map.h"
#include "strata/base/check.h"
#include "strata/hub/model_folder.h"
#include "strata/io/torch_file.h"
#include "strata/nn/model_folder.h"
#include "strata/nn/parameters.h"

namespace strata::hub {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTorchFile = "pytorch_model.bin";
constexpr const char* kTorchIndex = "pytorch_model.bin.index.json";

SourceWeights from_safetensors(const fs::path& folder) {
  const io::TensorFiles files = open_weights(folder);
  SourceWeights weights{.shown = files.shown(), .tensors = {}};
  for (const std::string& name : files.names()) {
    const io::TensorInfo& info = files.info(name);
    weights.tensors.push_back({name, info.dtype, info.shape, [files, name] {
                                 files.release_pages();
                                 return files.tensor(name);
                               }});
  }
  return weights;
}

SourceWeights from_torch_files(const fs::path& folder) {
  std::set<fs::path> files;
  if (fs::exists(folder / kTorchFile)) {
    files.insert(folder / kTorchFile);
  } else {
    for (const auto& [tensor, file] : read_weight_map(folder / kTorchIndex)) files.insert(folder / file);
  }
  SourceWeights weights{.shown = files.begin()->string(), .tensors = {}};
  if (files.size() > 1) weights.shown += str(" and ", files.size() - 1, " more");
  for (const fs::path& file : files) {
    for (io::TensorPlan& plan : io::open_torch_file(file)) {
      STRATA_CHECK(!weights.names().contains(plan.name), file.string(), ": tensor \"", plan.name,
                   "\" is in another file too");
      weights.tensors.push_back(std::move(plan));
    }
  }
  return weights;
}

// torch.save writes both names of a tied weight, safetensors only one.
void tie_head(SourceWeights& weights) {
  const io::TensorPlan& embedding = weights.find(kEmbeddingName);
  if (weights.names().contains(kHeadName)) {
    STRATA_CHECK(at::equal(embedding.make(), weights.find(kHeadName).make()), weights.shown,
                 ": tie_word_embeddings is true, but ", kHeadName, " is not ", kEmbeddingName);
    return;
  }
  io::TensorPlan head = embedding;
  head.name = kHeadName;
  weights.tensors.push_back(std::move(head));
}

}  // namespace

std::set<std::string> SourceWeights::names() const {
  std::set<std::string> names;
  for (const io::TensorPlan& tensor : tensors) names.insert(tensor.name);
  return names;
}

const io::TensorPlan& SourceWeights::find(const std::string& name) const {
  const auto found = std::ranges::find(tensors, name, &io::TensorPlan::name);
  STRATA_CHECK(found != tensors.end(), shown, ": has no tensor ", name);
  return *found;
}

SourceWeights open_source_weights(const fs::path& folder, bool tied) {
  const bool has_safetensors = fs::exists(folder / nn::kWeightsFile) || fs::exists(folder / kIndexFile);
  STRATA_CHECK(has_safetensors || fs::exists(folder / kTorchFile) || fs::exists(folder / kTorchIndex), folder.string(),
               ": has no ", nn::kWeightsFile, ", no ", kTorchFile, " and no index of either");
  SourceWeights weights = has_safetensors ? from_safetensors(folder) : from_torch_files(folder);
  std::erase_if(weights.tensors, [](const io::TensorPlan& tensor) { return nn::is_rotary_table(tensor.name); });
  if (tied) tie_head(weights);
  return weights;
}

}  // namespace strata::hub
