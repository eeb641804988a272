#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "strata/config/run_config.h"
#include "strata/run/identity.h"
#include "strata/run/input.h"
#include "strata/study/sweep.h"

namespace strata::study {

/// One run of a sweep. Its folder is its state.
struct Run {
  std::string name;  // of its folder: <arm>-s<seed>, or of one that tunes tune-<arm>-<values>-s<seed>
  size_t arm = 0;
  int64_t seed = 0;
  std::vector<std::string> tuned = {};      // values of the keys that are tuned, as overrides
  std::string base = {};                    // its config file
  std::vector<std::string> overrides = {};  // over the base: all that makes it this run, run.dir among it
  config::RunConfig config;                 // complete
  std::string identity = {};                // run::identity_of

  std::filesystem::path folder() const { return config.run.dir; }
};

/// How runs are computed, which last bits depend on: the same for all runs of a sweep, and when it is taken up again.
struct Execution {
  int threads = 0;        // run.threads; 0: as the config says
  std::string gemm = {};  // run.gemm; empty: as the config says
};

/// Makes a sweep's runs from its arms.
class Study {
 public:
  /// Throws UsageError, naming arm and key, for what cannot be run or compared.
  explicit Study(SweepConfig sweep);

  /// How the runs that are made from now on are computed; without it as the config says.
  void set_execution(Execution execution) { execution_ = std::move(execution); }

  const SweepConfig& sweep() const { return sweep_; }
  const std::vector<Arm>& arms() const { return arms_; }
  size_t baseline() const { return baseline_; }
  /// The baseline's, without seed and folder.
  const config::RunConfig& example() const { return example_; }
  std::filesystem::path output() const { return sweep_.output; }

  /// Every arm with every combination of the keys that are tuned, and the seeds for that. None where nothing is tuned.
  std::vector<Run> tuning_runs();
  /// One arm with other values of these keys.
  std::vector<Run> tuning_runs(size_t arm, const std::vector<std::string>& tuned);
  /// Every arm with all of its seeds, seed by seed. best: of each arm the values that it runs with.
  std::vector<Run> judged_runs(const std::vector<std::vector<std::string>>& best);

  bool is_tuned() const { return !sweep_.tune.empty(); }

 private:
  struct Input {
    std::unique_ptr<run::RunInput> input;
    run::InputFingerprints fingerprints;
  };

  Run tuning_run(size_t arm, int64_t seed, const std::vector<std::string>& tuned);
  Run make_run(size_t arm, int64_t seed, const std::vector<std::string>& tuned, const std::string& name);
  std::vector<std::string> all_overrides(size_t arm, const std::vector<std::string>& overrides) const;
  config::RunConfig load(size_t arm, const std::vector<std::string>& overrides) const;
  std::vector<std::string> seed_overrides(int64_t seed) const;
  const Input& input_of(const config::RunConfig& config);

  SweepConfig sweep_;
  Execution execution_ = {};
  std::vector<Arm> arms_;
  size_t baseline_;
  config::RunConfig example_;
  std::map<std::string, Input> inputs_;  // by the keys that decide them
};

/// FLOPs of a whole run, as strata plan counts them.
double flops_of(const config::RunConfig& config);

}  // namespace strata::study
