#include "strata/train/checkpoint.h"

#include <xxhash.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/version.h"
#include "strata/config/print.h"
#include "strata/io/file.h"
#include "strata/io/json.h"
#include "strata/io/safetensors.h"
#include "strata/nn/model_folder.h"

namespace strata::train {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kOptimizerFile = "optimizer-1-of-1.safetensors";
constexpr const char* kStateFile = "state.json";
constexpr const char* kManifestFile = "manifest.json";
constexpr const char* kTemporaryPrefix = ".saving_";

std::string checksum(const fs::path& file) {
  const io::MappedFile mapped(file);
  std::ostringstream hex;
  hex << std::hex << XXH3_64bits(mapped.data(), mapped.size());
  return hex.str();
}

json manifest_of(const fs::path& folder) {
  json files = json::object();
  for (const auto& entry : fs::directory_iterator(folder)) {
    files[entry.path().filename()] = {{"bytes", entry.file_size()}, {"xxh3", checksum(entry.path())}};
  }
  return {{"files", files}};
}

at::Tensor part_of(const at::Tensor& arena, const ParamSpec& param) {
  return arena.narrow(0, param.offset, param.count()).view(param.shape);
}

io::NamedTensors named_states(const nn::Parameters& parameters, const optim::Optimizer& optimizer) {
  io::NamedTensors tensors;
  for (const auto& state : optimizer.states()) {
    for (const ParamSpec& param : parameters.layout().params) {
      tensors.emplace_back(state.name + "." + param.name, part_of(state.arena, param));
    }
  }
  return tensors;
}

json to_json(const CheckpointState& state, const config::RunConfig& config) {
  const Progress& progress = state.progress;
  return {{"step", progress.step},
          {"tokens", progress.tokens},
          {"skipped", progress.skipped},
          {"cursor", {{"seed", progress.cursor.seed}, {"epoch", progress.cursor.epoch}, {"row", progress.cursor.row}}},
          {"data_fingerprint", state.data_fingerprint},
          {"gemm", state.gemm},
          {"threads", state.threads},
          {"versions", {{"strata", version()}, {"torch", torch_version()}}},
          {"config", config::to_yaml(config)}};
}

CheckpointState from_json(const json& root, const fs::path& file) {
  try {
    const json& cursor = root.at("cursor");
    return {.progress = {.step = root.at("step"),
                         .cursor = {.seed = cursor.at("seed"), .epoch = cursor.at("epoch"), .row = cursor.at("row")},
                         .tokens = root.at("tokens"),
                         .skipped = root.at("skipped")},
            .data_fingerprint = root.at("data_fingerprint"),
            .gemm = root.at("gemm"),
            .threads = root.at("threads")};
  } catch (const json::exception& failure) {
    throw Error(str(file.string(), ": ", failure.what()));
  }
}

// Checkpoints of a run, oldest first.
std::vector<fs::path> checkpoints_of(const fs::path& run) {
  std::vector<fs::path> found;
  if (!fs::is_directory(run / "checkpoints")) return found;
  for (const auto& entry : fs::directory_iterator(run / "checkpoints")) {
    if (entry.path().filename().string().starts_with("step_")) found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

void remove_leftovers(const fs::path& run) {
  if (!fs::is_directory(run / "checkpoints")) return;
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(run / "checkpoints")) {
    if (entry.path().filename().string().starts_with(kTemporaryPrefix)) leftovers.push_back(entry.path());
  }
  for (const fs::path& leftover : leftovers) fs::remove_all(leftover);
}

}  // namespace

fs::path checkpoint_path(const fs::path& run, int64_t step) {
  std::string digits = std::to_string(step);
  digits.insert(0, 8 - std::min<size_t>(8, digits.size()), '0');
  return run / "checkpoints" / ("step_" + digits);
}

void save_checkpoint(const fs::path& path, const config::RunConfig& config, const CheckpointState& state,
                     const nn::Parameters& parameters, const optim::Optimizer& optimizer) {
  const fs::path temporary = path.parent_path() / (kTemporaryPrefix + path.filename().string());
  try {
    fs::remove_all(temporary);
    fs::create_directories(temporary);
    nn::save_parameters(parameters, temporary / nn::kWeightsFile);
    io::write_safetensors(temporary / kOptimizerFile, named_states(parameters, optimizer));
    io::write_atomically(temporary / nn::kConfigFile, config::to_yaml(config));
    io::write_json(temporary / kStateFile, to_json(state, config));
    io::write_json(temporary / kManifestFile, manifest_of(temporary));
    fs::remove_all(path);
    fs::rename(temporary, path);
    io::sync_folder(path.parent_path());
  } catch (const fs::filesystem_error& failure) {
    throw Error(str("cannot save the checkpoint ", path.string(), ": ", failure.code().message()));
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw;
  }
}

std::optional<std::string> checkpoint_problem(const fs::path& path) {
  try {
    const json manifest = io::read_json(path / kManifestFile);
    for (const auto& [name, entry] : manifest.at("files").items()) {
      if (!fs::exists(path / name)) return name + " is missing";
      if (fs::file_size(path / name) != entry.at("bytes").get<uintmax_t>())
        return name + " has another size than when it was saved";
      if (checksum(path / name) != entry.at("xxh3").get<std::string>())
        return name + " has another checksum than when it was saved";
    }
    return std::nullopt;
  } catch (const std::exception& failure) {
    return failure.what();
  }
}

std::optional<fs::path> newest_checkpoint(const fs::path& run) {
  remove_leftovers(run);
  std::vector<fs::path> found = checkpoints_of(run);
  for (auto path = found.rbegin(); path != found.rend(); ++path) {
    const auto problem = checkpoint_problem(*path);
    if (!problem) return *path;
    log::warn(str("skipping ", path->string(), ": ", *problem));
  }
  return std::nullopt;
}

CheckpointState load_checkpoint(const fs::path& path, const nn::Parameters& parameters, optim::Optimizer& optimizer) {
  STRATA_CHECK(fs::is_directory(path), path.string(), ": no such checkpoint");
  const auto problem = checkpoint_problem(path);
  STRATA_CHECK(!problem, path.string(), ": ", problem.value_or(""));
  CheckpointState state = from_json(io::read_json(path / kStateFile), path / kStateFile);
  const auto file = io::SafetensorsFile::open(path / kOptimizerFile);
  const io::NamedTensors states = named_states(parameters, optimizer);
  for (const auto& [name, tensor] : states) {
    const io::TensorInfo& info = file.info(name);
    STRATA_CHECK(info.shape == tensor.sizes() && info.dtype == tensor.scalar_type(), (path / kOptimizerFile).string(),
                 ": ", name, " is ", info.dtype, " ", at::IntArrayRef(info.shape), ", this run needs ",
                 tensor.scalar_type(), " ", tensor.sizes());
  }
  nn::load_parameters(parameters, path / nn::kWeightsFile);
  for (const auto& [name, tensor] : states) tensor.copy_(file.tensor(name));
  return state;
}

void prune_checkpoints(const fs::path& run, int64_t keep) {
  if (keep == 0) return;
  std::vector<fs::path> found = checkpoints_of(run);
  for (size_t i = 0; i + static_cast<size_t>(keep) < found.size(); ++i) fs::remove_all(found[i]);
}

}  // namespace strata::train
