#include "support/runs.h"

#include "support/json_lines.h"

#include "strata/train/checkpoint/checkpoint.h"

namespace strata::test {

using nlohmann::json;

std::vector<std::string> Runs::arguments(const std::string& run, const std::vector<std::string>& overrides) const {
  std::vector<std::string> arguments{subcommand_, config_, "run.dir=" + (folder_ / run).string()};
  arguments.insert(arguments.end(), overrides.begin(), overrides.end());
  return arguments;
}

std::vector<std::string> Runs::command(const std::string& run, const std::vector<std::string>& overrides) const {
  return strata_command(arguments(run, overrides));
}

std::filesystem::path Runs::checkpoint(const std::string& run, int64_t step) const {
  return train::checkpoint_path(folder_ / run, step);
}

std::string Runs::weights(const std::string& run, int64_t step) const {
  return read_file(checkpoint(run, step) / "model.safetensors");
}

std::vector<int64_t> Runs::steps(const std::string& run) const {
  std::vector<int64_t> steps;
  for (const auto& path : train::checkpoints_of(folder_ / run)) steps.push_back(train::step_of(path));
  return steps;
}

std::vector<json> Runs::lines(const std::string& run, const std::string& file) const {
  return lines_without_times(folder_ / run / file);
}

}  // namespace strata::test
