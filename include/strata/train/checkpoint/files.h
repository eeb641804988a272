#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "strata/train/lisa.h"
#include "strata/train/progress.h"

/// The two JSON files of a checkpoint, as text.
namespace strata::train {

/// state.json: what a checkpoint says beside its tensors and its config.
struct CheckpointState {
  Progress progress;
  std::string data_fingerprint;       // of data.train
  std::string tokenizer_fingerprint;  // of data.tokenizer
  std::string gemm;                   // bits depend on it,
  int threads = 1;                    // on this,
  std::string torch_version;          // and on this
  std::string strata_version;
  std::string model_fingerprint = {};  // of sft.model; empty: the run began with random numbers
  std::optional<LisaState> lisa = {};  // where layers train by LISA (LISA)

  bool operator==(const CheckpointState&) const = default;
};

std::string to_json(const CheckpointState& state);

/// Throws Error, naming `source`, for text that to_json cannot have written.
CheckpointState parse_state(std::string_view text, std::string_view source);

/// What a file had when it was saved.
struct FileSeal {
  uint64_t bytes = 0;
  std::string xxh3;  // 16 hexadecimal digits

  bool operator==(const FileSeal&) const = default;
};

/// manifest.json: every other file of a checkpoint, by its name.
using Manifest = std::map<std::string, FileSeal>;

std::string to_json(const Manifest& manifest);

/// Throws Error, naming `source`; also for a name that leads out of the folder, and for a manifest without files.
Manifest parse_manifest(std::string_view text, std::string_view source);

}  // namespace strata::train
