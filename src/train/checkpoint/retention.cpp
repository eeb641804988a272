#include "strata/train/checkpoint/retention.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "strata/io/file.h"
#include "strata/train/checkpoint/checkpoint.h"

namespace strata::train {
namespace {

// Those of `steps` that have the lowest losses, earlier ones first where losses are equal.
std::vector<int64_t> best_of(std::vector<int64_t> steps, const std::map<int64_t, double>& losses, int64_t count) {
  std::erase_if(steps, [&](int64_t step) { return !losses.contains(step); });
  std::ranges::stable_sort(steps, {}, [&](int64_t step) { return losses.at(step); });
  steps.resize(std::min<size_t>(steps.size(), static_cast<size_t>(count)));
  return steps;
}

std::vector<int64_t> saved_steps(const std::filesystem::path& run) {
  std::vector<int64_t> steps;
  for (const auto& path : checkpoints_of(run)) steps.push_back(step_of(path));
  return steps;
}

}  // namespace

std::map<int64_t, double> validation_losses(const std::filesystem::path& run) {
  std::map<int64_t, double> losses;
  const std::filesystem::path file = run / "eval.jsonl";
  if (!std::filesystem::exists(file)) return losses;
  std::istringstream lines(io::read_text(file));
  for (std::string line; std::getline(lines, line);) {
    const auto object = nlohmann::json::parse(line, nullptr, false);
    if (!object.is_object() || !object.contains("step") || !object.contains("loss")) continue;
    if (object["loss"].is_number()) losses[object["step"]] = object["loss"];
  }
  return losses;
}

std::vector<int64_t> steps_to_remove(const config::CheckpointConfig& config, const std::vector<int64_t>& steps,
                                     const std::map<int64_t, double>& losses) {
  if (config.keep == 0) return {};
  const std::vector<int64_t> best = best_of(steps, losses, config.keep_best);
  const auto newest = std::min<size_t>(steps.size(), static_cast<size_t>(config.keep));
  std::set<int64_t> kept(best.begin(), best.end());
  kept.insert(steps.end() - static_cast<ptrdiff_t>(newest), steps.end());
  std::vector<int64_t> doomed;
  for (const int64_t step : steps) {
    const bool is_milestone = config.keep_every > 0 && step % config.keep_every == 0;
    if (!is_milestone && !kept.contains(step)) doomed.push_back(step);
  }
  return doomed;
}

std::optional<std::filesystem::path> best_checkpoint(const std::filesystem::path& run) {
  const std::vector<int64_t> best = best_of(saved_steps(run), validation_losses(run), 1);
  return best.empty() ? std::nullopt : std::optional(checkpoint_path(run, best.front()));
}

void prune_checkpoints(const std::filesystem::path& run, const config::CheckpointConfig& config) {
  if (config.keep == 0) return;
  const std::vector<int64_t> steps = saved_steps(run);
  const auto losses = config.keep_best > 0 ? validation_losses(run) : std::map<int64_t, double>();
  for (const int64_t step : steps_to_remove(config, steps, losses)) {
    remove_checkpoint(checkpoint_path(run, step));
  }
}

}  // namespace strata::train
