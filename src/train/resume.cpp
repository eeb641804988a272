#include "strata/train/resume.h"

#include <algorithm>
#include <sstream>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/table.h"
#include "strata/base/text.h"
#include "strata/config/load.h"
#include "strata/config/print.h"
#include "strata/nn/model_folder.h"

namespace strata::train {
namespace {

namespace fs = std::filesystem;

using config::Difference;

std::string section_of(const std::string& key) { return key.substr(0, key.find('.')); }

// Parameters mean something else under another model.
bool can_never_change(const std::string& key) { return config::affects_of(key) == config::Affects::kModel; }

// Whether the optimizer's states are others: what train.allow_change lets pass is refused when they are loaded.
bool has_other_states(const Difference& difference) {
  const auto& [key, before, now] = difference;
  const auto is_adam = [](const std::string& kind) { return kind == "adam" || kind == "adamw"; };
  if (key == "optimizer.kind") return !is_adam(before) || !is_adam(now);
  if (key == "lisa.layers") return (before == "0") != (now == "0");
  return key == "train.precision";
}

bool is_allowed(const std::string& key, const std::vector<std::string>& allowed) {
  if (can_never_change(key)) return false;
  return std::ranges::any_of(allowed,
                             [&](const std::string& name) { return key == name || key.starts_with(name + "."); });
}

// A name in train.allow_change that is no key and no section would allow nothing, silently.
void check_names(const config::RunConfig& config) {
  std::vector<std::string> known;
  for (const auto& [key, value] : config::flatten(config)) {
    known.push_back(key);
    known.push_back(section_of(key));
  }
  for (const std::string& name : config.train.allow_change) {
    const bool is_known =
        std::ranges::any_of(known, [&](const std::string& key) { return key == name || key.starts_with(name + "."); });
    if (!is_known) throw UsageError(str("train.allow_change: unknown key \"", name, "\"", did_you_mean(name, known)));
  }
}

void log_table(const fs::path& checkpoint, const std::vector<Difference>& differences) {
  Table table({{"key"}, {"checkpoint"}, {"now"}});
  for (const Difference& difference : differences) table.add({difference.key, difference.before, difference.now});
  log::info(checkpoint.string() + " was saved under another config:");
  std::istringstream lines(table.text("  "));
  for (std::string line; std::getline(lines, line);) log::info(line);
}

std::string refusal(const std::vector<Difference>& differences) {
  std::vector<std::string> texts, keys;
  for (const Difference& difference : differences) {
    texts.push_back(str(difference.key, " was ", difference.before, ", is ", difference.now));
    keys.push_back(difference.key);
  }
  const bool is_final = std::ranges::any_of(differences, [](const Difference& difference) {
    return can_never_change(difference.key) || has_other_states(difference);
  });
  return str("holds another run: ", join(texts, "; "), "; another run.dir starts anew",
             is_final ? "" : str(", train.allow_change=[", join(keys, ","), "] goes on all the same"));
}

void log_change(const char* what, const auto& before, const auto& now) {
  if (before == now) return;
  log::warn(str(what, " was ", before, " when the checkpoint was saved, is ", now, ": last bits may differ"));
}

std::optional<Checkpoint> newest_sound(const fs::path& run) {
  std::vector<fs::path> found = checkpoints_of(run);
  for (auto path = found.rbegin(); path != found.rend(); ++path) {
    try {
      return Checkpoint::open(*path);
    } catch (const DamagedCheckpoint& damage) {
      log::warn(str(damage.what(), "; skipping this checkpoint"));
    }
  }
  if (!found.empty()) log::warn(str("no checkpoint of ", run.string(), " can be trusted: the run starts anew"));
  return std::nullopt;
}

std::optional<Checkpoint> find_start(const config::RunConfig& config) {
  if (config.train.resume == "none") return std::nullopt;
  if (config.train.resume == "auto") return newest_sound(config.run.dir);
  return Checkpoint::open(config.train.resume);
}

void check_same_run(const Checkpoint& start, const config::RunConfig& config, const CheckpointState& now,
                    int num_workers) {
  std::vector<Difference> differences = config::differences(start.config(), config);
  if (!differences.empty()) log_table(start.path(), differences);

  std::erase_if(differences, [](const Difference& difference) {
    return !config::changes_numbers(config::affects_of(difference.key));
  });
  const CheckpointState& before = start.state();
  const auto compare = [&](const char* key, const std::string& what, const std::string& then, const std::string& is) {
    if (then != is) differences.push_back({key, what + then, what + is});
  };
  compare(config.sft.model.empty() ? "data.train" : "sft.data", "data ", before.data_fingerprint, now.data_fingerprint);
  compare("data.tokenizer", "model ", before.tokenizer_fingerprint, now.tokenizer_fingerprint);
  compare("sft.model", "model ", before.model_fingerprint, now.model_fingerprint);
  std::erase_if(differences,
                [&](const Difference& difference) { return is_allowed(difference.key, config.train.allow_change); });
  STRATA_CHECK(differences.empty(), start.path().string(), ": ", refusal(differences));
  if (before.progress.cursor.seed != now.progress.cursor.seed) {
    log::warn(str("rows keep the order that they began with, of data.seed=", before.progress.cursor.seed,
                  ", and not of ", now.progress.cursor.seed, "; another run.dir begins another"));
  }
  log_change("run.gemm", before.gemm, now.gemm);
  log_change("the number of threads", before.threads, now.threads);
  if (config.parallel.order == config::SumOrder::kFast) {
    log_change("the number of workers", start.num_workers(), num_workers);
  }
  log_change("LibTorch", before.torch_version, now.torch_version);
  log_change("Strata", before.strata_version, now.strata_version);
}

// Under a name that nothing has: nothing that was set aside before is lost.
fs::path set_aside(const fs::path& path) {
  const auto name = [&](int number) {
    return path.parent_path() / str("aside_", number > 1 ? str(number, "_") : "", path.filename().string());
  };
  int number = 1;
  while (fs::exists(name(number))) ++number;
  fs::rename(path, name(number));
  return name(number);
}

// A run that begins anew writes logs of its own.
void set_logs_aside(const fs::path& run) {
  for (const char* file : {"metrics.jsonl", "layers.jsonl", "eval.jsonl", "tasks.jsonl"}) {
    const fs::path log = run / file;
    if (!fs::exists(log) || fs::is_empty(log)) continue;
    log::info(str(log.string(), " is of an earlier run; it is called ", set_aside(log).filename().string(), " now"));
  }
}

// Whether what lies in the folder is of this run, killed before its first checkpoint: every line will come again.
bool is_begun_again(const config::RunConfig& config) {
  const fs::path before = fs::path(config.run.dir) / nn::kConfigFile;
  if (config.train.resume != "auto" || !fs::exists(before)) return false;
  try {
    return std::ranges::none_of(config::differences(config::load(before).config, config), [](const Difference& one) {
      return config::changes_numbers(config::affects_of(one.key));
    });
  } catch (const Error&) {
    return false;  // of another version, or damaged
  }
}

void set_others_aside(const config::RunConfig& config, const std::optional<Checkpoint>& start) {
  const fs::path run = config.run.dir;
  const bool has_checkpoints = !checkpoints_of(run).empty();
  const int64_t step = start ? start->state().progress.step : -1;
  std::error_code failure;
  const bool is_of_this_run = start && fs::equivalent(start->path(), checkpoint_path(run, step), failure) && !failure;
  for (const fs::path& path : checkpoints_of(run)) {
    if (is_of_this_run && step_of(path) <= step) continue;
    const fs::path aside = set_aside(path);
    log::warn(str(path.string(), " does not lie on this run's way; it is called ", aside.filename().string(), " now"));
  }
  if (!start && (has_checkpoints || !is_begun_again(config))) set_logs_aside(run);
}

std::optional<Checkpoint> choose_start(const config::RunConfig& config, const CheckpointState& now,
                                       workers::Communicator& workers) {
  check_names(config);
  auto start = find_start(config);
  if (start) check_same_run(*start, config, now, workers.world_size());
  workers::broadcast_text(workers, start ? start->path().string() : "");
  return start;
}

std::optional<Checkpoint> follow(workers::Communicator& workers) {
  const std::string path = workers::broadcast_text(workers, "");
  if (path.empty()) return std::nullopt;
  return Checkpoint::open(path, false);
}

}  // namespace

Progress begin_run(const config::RunConfig& config, const CheckpointState& now, nn::Parameters& parameters,
                   optim::Optimizer& optimizer, const RunStart& begin, workers::Communicator& workers) {
  const auto start = workers.is_first() ? choose_start(config, now, workers) : follow(workers);
  if (start) {
    if (begin.from_state) begin.from_state(start->state());
    start->load(parameters, optimizer);
    log::info(str("resuming from ", start->path().string(), " at step ", start->state().progress.step));
  } else {
    begin.anew();
  }
  if (workers.is_first()) set_others_aside(config, start);
  return start ? start->state().progress : now.progress;
}

}  // namespace strata::train
