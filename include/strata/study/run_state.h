#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "strata/study/runs.h"

/// Where a run of a sweep stands, as its folder says.
namespace strata::study {

enum class State { kMissing, kUnfinished, kDone, kFailed };

struct RunState {
  State state = State::kMissing;
  std::string why = {};                        // a failed one failed: the last line that it wrote
  std::optional<double> validation_loss = {};  // a done one ended with
};

/// Throws UsageError for a folder that another config made, naming a key that differs.
RunState state_of(const Run& run);

/// Whether the folder holds a run that has come to its end, or has failed, whatever config made it.
bool has_ended(const std::filesystem::path& run);

/// Leaves in the folder that the run has failed: failed.json.
void note_failure(const Run& run, int exit_code, const std::string& why);
/// So that it is run again, from its newest checkpoint.
void forget_failure(const Run& run);

/// A finished run of the same identity, in a sweep beside this one (<output>/../*/runs/*).
std::optional<std::filesystem::path> twin_of(const Run& run);
/// Makes the run's folder, which is not there, a link to it, which is relative.
void link_to(const Run& run, const std::filesystem::path& twin);

/// The last step in a run's metrics.jsonl, 0 where there is none yet; reads the file's end only.
int64_t last_step_in(const std::filesystem::path& run);

}  // namespace strata::study
