#pragma once

#include <string>

#include "strata/config/run_config.h"
#include "strata/nn/model_spec.h"
#include "strata/run/input.h"

namespace strata::run {

/// Of what a scheme makes of a model: its junctions with their numbers, and every parameter with what it starts from.
/// The scheme's name is no part of it, but where it has functions of its own. 16 hexadecimal digits.
std::string fingerprint_of_scheme(const config::RunConfig& config, const nn::ModelSpec& spec);

/// Of what a run reads, by its content.
struct InputFingerprints {
  uint64_t data = 0;
  uint64_t evaluation = 0;
  uint64_t tokenizer = 0;
  std::string model = {};  // that it starts from
};
/// Reads the input, and may have to make its token shards.
InputFingerprints fingerprints_of(const config::RunConfig& config, const RunInput& input);

/// Whether a key's value is part of a run's identity_of. Not norm.scheme: its fingerprint is.
bool is_identifying(const std::string& key);

/// Tells runs apart by what decides their results: every key that changes numbers, the scheme by its fingerprint, what
/// is read, and when the run is judged. Names of files, and where it is computed, are no part of it; last bits depend
/// on the latter. 16 hexadecimal digits. config: complete.
std::string identity_of(const config::RunConfig& config, const InputFingerprints& input);

}  // namespace strata::run
