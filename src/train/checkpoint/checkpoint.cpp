#include "strata/train/checkpoint/checkpoint.h"

#include <algorithm>
#include <charconv>

#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/base/threads.h"
#include "strata/config/load.h"
#include "strata/config/print.h"
#include "strata/io/file.h"
#include "strata/io/safetensors.h"
#include "strata/nn/model_folder.h"

namespace strata::train {
namespace {

namespace fs = std::filesystem;

constexpr const char* kManifestFile = "manifest.json";
constexpr std::string_view kStepPrefix = "step_";
constexpr std::string_view kUnfinished = ".unfinished_";  // being written, or being removed

FileSeal seal_of(const fs::path& file) { return {.bytes = fs::file_size(file), .xxh3 = hex(io::checksum(file))}; }

void require(bool sound, const fs::path& file, const char* problem) {
  if (!sound) throw DamagedCheckpoint(str(file.string(), ": ", problem));
}

void verify(const fs::path& file, const FileSeal& seal) {
  require(fs::is_regular_file(file), file, "is missing");
  require(fs::file_size(file) == seal.bytes, file, "has another size than when it was saved");
  require(hex(io::checksum(file)) == seal.xxh3, file, "has another checksum than when it was saved");
}

std::vector<std::string> names_in(const Manifest& manifest) {
  std::vector<std::string> names;
  for (const auto& [name, seal] : manifest) names.push_back(name);
  return names;
}

// Throws DamagedCheckpoint for one that does not name what a checkpoint has.
Manifest read_manifest(const fs::path& folder) {
  const fs::path path = folder / kManifestFile;
  Manifest manifest;
  try {
    manifest = parse_manifest(io::read_text(path), path.string());
  } catch (const Error& failure) {
    throw DamagedCheckpoint(failure.what());
  }
  for (const char* name : {nn::kWeightsFile, nn::kConfigFile, kStateFile}) {
    require(manifest.contains(name), path, "does not name all files of a checkpoint");
  }
  require(!optimizer_files_in(names_in(manifest)).empty(), path, "does not name all files of a checkpoint");
  return manifest;
}

// Throws DamagedCheckpoint for a file that is not what the manifest says.
void verify(const fs::path& folder, const Manifest& manifest) {
  const std::vector<std::pair<std::string, FileSeal>> files(manifest.begin(), manifest.end());
  parallel_ranges(static_cast<int64_t>(files.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      verify(folder / files[static_cast<size_t>(i)].first, files[static_cast<size_t>(i)].second);
    }
  });
}

Manifest write_optimizer(const fs::path& folder, const CheckpointContents& contents, const SaveGroup& group) {
  const std::string name = optimizer_file(group.rank(), group.world_size());
  io::write_safetensors(folder / name, named_states(contents.arenas.optimizer, contents.ranges));
  return {{name, seal_of(folder / name)}};
}

Manifest write_rest(const fs::path& folder, const CheckpointContents& contents) {
  nn::save_parameters(contents.layout, contents.arenas.parameters, folder / nn::kWeightsFile);
  io::write_atomically(folder / nn::kConfigFile, config::to_yaml(contents.config));
  io::write_atomically(folder / kStateFile, to_json(contents.state));
  Manifest manifest;
  for (const char* name : {nn::kWeightsFile, nn::kConfigFile, kStateFile}) manifest[name] = seal_of(folder / name);
  return manifest;
}

void make_folder(const fs::path& folder, const SaveGroup& group) try {
  fs::remove_all(folder);
  fs::create_directories(folder);
  group.opened("");
} catch (const std::exception& failure) {
  group.opened(failure.what());
  throw;
}

Manifest write_as_first(const fs::path& path, const fs::path& temporary, const CheckpointContents& contents,
                        const SaveGroup& group) {
  make_folder(temporary, group);
  const auto broken = nn::first_not_finite(contents.layout, contents.arenas.parameters);
  STRATA_CHECK(!broken, *broken, " holds NaN or infinity");
  Manifest manifest = write_optimizer(temporary, contents, group);
  manifest.merge(write_rest(temporary, contents));
  manifest.merge(group.files_of_others());
  io::write_atomically(temporary / kManifestFile, to_json(manifest));
  if (fs::exists(path)) remove_checkpoint(path);
  fs::rename(temporary, path);
  io::sync_folder(path.parent_path());
  return manifest;
}

Manifest write_as_other(const fs::path& temporary, const CheckpointContents& contents, const SaveGroup& group) {
  group.wait_until_opened();
  try {
    const Manifest manifest = write_optimizer(temporary, contents, group);
    group.add_files(manifest);
    group.wait_until_ended();
    return manifest;
  } catch (const std::exception& failure) {
    group.failed(failure.what());
    throw;
  }
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
  return fs::exists(folder / kStateFile);  // others call files of theirs manifest.json too
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

Manifest write_checkpoint(const fs::path& path, const CheckpointContents& contents, const SaveGroup& group) {
  const fs::path temporary = path.parent_path() / str(kUnfinished, path.filename().string());
  try {
    if (!group.is_first()) return write_as_other(temporary, contents, group);
    const Manifest manifest = write_as_first(path, temporary, contents, group);
    group.ended("");
    return manifest;
  } catch (const std::exception& failure) {
    if (group.is_first()) {
      std::error_code ignored;
      fs::remove_all(temporary, ignored);
      group.ended(failure.what());
    }
    throw Error(str("cannot save the checkpoint ", path.string(), ": ", failure.what()));
  }
}

void verify_weights(const fs::path& folder) try {
  if (!is_checkpoint(folder) || !fs::exists(folder / kManifestFile)) return;
  verify(folder / nn::kWeightsFile, read_manifest(folder).at(nn::kWeightsFile));
} catch (const DamagedCheckpoint& damage) {
  throw DamagedCheckpoint(str(damage.what(), " (without ", kManifestFile, " beside it, it is taken as it is)"));
}

Checkpoint Checkpoint::open(const fs::path& path, bool verify) {
  STRATA_CHECK(fs::is_directory(path), path.string(), ": no such checkpoint");
  Checkpoint checkpoint;
  checkpoint.path_ = path;
  checkpoint.manifest_ = read_manifest(path);
  if (verify) train::verify(path, checkpoint.manifest_);
  const fs::path state = path / kStateFile;
  checkpoint.state_ = parse_state(io::read_text(state), state.string());
  checkpoint.config_ = config::load(path / nn::kConfigFile).config;
  return checkpoint;
}

int Checkpoint::num_workers() const { return static_cast<int>(optimizer_files_in(names_in(manifest_)).size()); }

void Checkpoint::load(nn::Parameters& parameters, optim::Optimizer& optimizer) const {
  const io::TensorFiles weights(path_ / nn::kWeightsFile);
  nn::check_loadable(parameters.layout(), weights);
  load_states(path_, optimizer_files_in(names_in(manifest_)), states_of(optimizer));
  nn::load_parameters(parameters, weights);
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
