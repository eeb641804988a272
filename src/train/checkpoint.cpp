#include "strata/train/checkpoint.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <charconv>

#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/config/load.h"
#include "strata/config/print.h"
#include "strata/io/file.h"
#include "strata/io/safetensors.h"
#include "strata/nn/model_folder.h"

namespace strata::train {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOptimizerFile = "optimizer-1-of-1.safetensors";
constexpr const char* kStateFile = "state.json";
constexpr const char* kManifestFile = "manifest.json";
constexpr std::string_view kStepPrefix = "step_";
constexpr std::string_view kUnfinished = ".unfinished_";  // being written, or being removed

FileSeal seal_of(const fs::path& file) { return {.bytes = fs::file_size(file), .xxh3 = hex(io::checksum(file))}; }

Manifest manifest_of(const fs::path& folder) {
  Manifest manifest;
  for (const auto& entry : fs::directory_iterator(folder)) {
    manifest[entry.path().filename().string()] = seal_of(entry.path());
  }
  return manifest;
}

io::NamedTensors named_states(const nn::ParameterLayout& layout, const std::vector<optim::Optimizer::State>& states) {
  io::NamedTensors tensors;
  for (const auto& state : states) {
    std::ranges::move(nn::named_views(layout, state.arena, state.name + "."), std::back_inserter(tensors));
  }
  return tensors;
}

void require(bool sound, const fs::path& file, const char* problem) {
  if (!sound) throw DamagedCheckpoint(str(file.string(), ": ", problem));
}

void verify(const fs::path& file, const FileSeal& seal) {
  require(fs::is_regular_file(file), file, "is missing");
  require(fs::file_size(file) == seal.bytes, file, "has another size than when it was saved");
  require(hex(io::checksum(file)) == seal.xxh3, file, "has another checksum than when it was saved");
}

// Throws DamagedCheckpoint for a file that is not what the manifest says.
Manifest verified_manifest(const fs::path& folder) {
  const fs::path path = folder / kManifestFile;
  Manifest manifest;
  try {
    manifest = parse_manifest(io::read_text(path), path.string());
  } catch (const Error& failure) {
    throw DamagedCheckpoint(failure.what());
  }
  for (const char* name : {nn::kWeightsFile, kOptimizerFile, nn::kConfigFile, kStateFile}) {
    require(manifest.contains(name), path, "does not name all files of a checkpoint");
  }
  const std::vector<std::pair<std::string, FileSeal>> files(manifest.begin(), manifest.end());
  at::parallel_for(0, static_cast<int64_t>(files.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      verify(folder / files[static_cast<size_t>(i)].first, files[static_cast<size_t>(i)].second);
    }
  });
  return manifest;
}

Manifest write_files(const fs::path& folder, const CheckpointContents& contents) {
  nn::save_parameters(contents.layout, contents.arenas.parameters, folder / nn::kWeightsFile);
  io::write_safetensors(folder / kOptimizerFile, named_states(contents.layout, contents.arenas.states));
  io::write_atomically(folder / nn::kConfigFile, config::to_yaml(contents.config));
  io::write_atomically(folder / kStateFile, to_json(contents.state));
  const Manifest manifest = manifest_of(folder);
  io::write_atomically(folder / kManifestFile, to_json(manifest));
  return manifest;
}

}  // namespace

fs::path checkpoint_path(const fs::path& run, int64_t step) {
  std::string digits = std::to_string(step);
  digits.insert(0, 8 - std::min<size_t>(8, digits.size()), '0');
  return run / "checkpoints" / (std::string(kStepPrefix) + digits);
}

int64_t step_of(const fs::path& checkpoint) {
  const std::string name = checkpoint.filename().string();
  int64_t step = -1;
  if (name.starts_with(kStepPrefix)) {
    const char* end = name.data() + name.size();
    const auto [stop, failure] = std::from_chars(name.data() + kStepPrefix.size(), end, step);
    if (failure != std::errc{} || stop != end) return -1;
  }
  return step;
}

bool is_checkpoint(const fs::path& folder) {
  return fs::exists(folder / kManifestFile) || fs::exists(folder / kStateFile);
}

std::vector<fs::path> checkpoints_of(const fs::path& run) {
  std::vector<fs::path> found;
  if (!fs::is_directory(run / "checkpoints")) return found;
  for (const auto& entry : fs::directory_iterator(run / "checkpoints")) {
    if (step_of(entry.path()) >= 0) found.push_back(entry.path());
  }
  std::ranges::sort(found, {}, step_of);
  return found;
}

Manifest write_checkpoint(const fs::path& path, const CheckpointContents& contents) {
  const fs::path temporary = path.parent_path() / str(kUnfinished, path.filename().string());
  try {
    fs::remove_all(temporary);
    fs::create_directories(temporary);
    const Manifest manifest = write_files(temporary, contents);
    if (fs::exists(path)) remove_checkpoint(path);
    fs::rename(temporary, path);
    io::sync_folder(path.parent_path());
    return manifest;
  } catch (const std::exception& failure) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw Error(str("cannot save the checkpoint ", path.string(), ": ", failure.what()));
  }
}

Checkpoint Checkpoint::open(const fs::path& path) {
  STRATA_CHECK(fs::is_directory(path), path.string(), ": no such checkpoint");
  Checkpoint checkpoint;
  checkpoint.path_ = path;
  checkpoint.manifest_ = verified_manifest(path);
  const fs::path state = path / kStateFile;
  checkpoint.state_ = parse_state(io::read_text(state), state.string());
  checkpoint.config_ = config::load(path / nn::kConfigFile).config;
  return checkpoint;
}

void Checkpoint::load(const nn::Parameters& parameters, optim::Optimizer& optimizer) const {
  const fs::path path = path_ / kOptimizerFile;
  const auto file = io::SafetensorsFile::open(path);
  const io::NamedTensors states = named_states(parameters.layout(), optimizer.states());
  for (const auto& [name, tensor] : states) {
    const io::TensorInfo& info = file.info(name);
    STRATA_CHECK(info.shape == tensor.sizes() && info.dtype == tensor.scalar_type(), path.string(), ": ", name, " is ",
                 info.dtype, " ", at::IntArrayRef(info.shape), ", this run needs ", tensor.scalar_type(), " ",
                 tensor.sizes());
  }
  nn::load_parameters(parameters, path_ / nn::kWeightsFile);
  for (const auto& [name, tensor] : states) tensor.copy_(file.tensor(name));
}

void remove_checkpoint(const fs::path& path) {
  const fs::path doomed = path.parent_path() / str(kUnfinished, "removed_", path.filename().string());
  fs::remove_all(doomed);
  fs::rename(path, doomed);
  fs::remove_all(doomed);
}

void remove_leftovers(const fs::path& run) {
  std::vector<fs::path> leftovers;
  for (const fs::path& folder : {run, run / "checkpoints"}) {
    if (!fs::is_directory(folder)) continue;
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with(kUnfinished) || io::target_of_temporary(entry.path())) leftovers.push_back(entry.path());
    }
  }
  for (const fs::path& leftover : leftovers) fs::remove_all(leftover);
}

}  // namespace strata::train
