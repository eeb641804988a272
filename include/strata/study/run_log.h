#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "strata/config/run_config.h"

/// What a run folder says of its run, as numbers.
namespace strata::study {

/// Columns of one file of JSON lines, all of one length; NaN where a line has no such number, or null.
struct Lines {
  std::vector<double> step;
  std::map<std::string, std::vector<double>> columns;

  bool empty() const { return step.empty(); }
  /// Empty for a name that no line has.
  const std::vector<double>& column(const std::string& name) const;
};

/// One number for each layer (or gate), line by line.
struct LayerLines {
  std::vector<double> step;
  std::map<std::string, std::vector<std::vector<double>>> columns;
};

/// What strata analyze found: of every pair of places the distance, 0 the embedding, l + 1 what leaves layer l.
struct RunAnalysis {
  std::vector<std::vector<double>> angular_distance;  // square
};

/// What strata eval --drop-layer found: accuracy, the mean of the tasks'.
struct LayerRemoval {
  double whole = 0.0;                      // of the model as it is
  std::map<int64_t, double> without = {};  // by layer
};

struct RunLog {
  std::filesystem::path folder = {};
  config::RunConfig config = {};
  bool is_complete = false;      // it has come to its end
  std::string failure = {};      // why it has failed, in a sweep
  double flops_per_token = 0.0;  // 0: not known
  int64_t parameters = 0;
  double peak_bytes = 0.0;  // resident at most in the process that ended it; 0: not known
  Lines metrics = {}, evaluations = {};
  LayerLines layers = {};
  std::map<std::string, Lines> tasks = {};         // by task: acc, acc_stderr, ...
  std::optional<RunAnalysis> analysis = {};        // analysis.json
  std::optional<LayerRemoval> layer_removal = {};  // results.json
  std::string record = {};                         // run.json, as it is
};

/// Where a sweep leaves why a run of it has failed.
inline std::filesystem::path failure_file(const std::filesystem::path& run) { return run / "failed.json"; }

/// Whether a folder is that of a run.
bool is_run(const std::filesystem::path& folder);

/// Reads a run that has ended, or goes on; lines that are no such objects are passed over, and so is a last one that is
/// not whole. Throws Error for a folder without a config that can be read.
RunLog read_run(const std::filesystem::path& folder);

/// Seconds of training up to each line of the metrics, evaluations and checkpoints not counted.
std::vector<double> seconds_at(const RunLog& run);
/// The same at these steps, such as those of evaluations.
std::vector<double> seconds_at(const RunLog& run, const std::vector<double>& steps);

}  // namespace strata::study
