#include "support/small_run.h"

#include <sstream>

#include "strata/train/checkpoint.h"
#include "support/data_fixtures.h"

namespace strata::test {

using nlohmann::json;

SmallRun::SmallRun() : config_(folder_ / "c.yaml") {
  data::test::made_up_source(folder_.path(), "a.jsonl", 0, 40);
  data::test::made_up_source(folder_.path(), "b.json.gz", 40, 70);
  data::test::made_up_source(folder_.path(), "valid.jsonl", 70, 90);
  write_file(config_,
             "model: {vocab: 200, hidden: 32, intermediate: 48, layers: 2, heads: 2}\n"
             "norm: {scheme: sandwich+gpas}\n"
             "data: {tokenizer: " +
                 data::test::small_model().string() + ", train: [\"" + (folder_ / "a.jsonl").string() + "\", \"" +
                 (folder_ / "b.json*").string() + "\"], validation: [" + (folder_ / "valid.jsonl").string() +
                 "], cache: " + (folder_ / "cache").string() +
                 ", sequence_length: 32}\n"
                 "train: {steps: 9, global_batch: 12, micro_batch: 4, clip: {global: 1.0, gates: 0.01}}\n"
                 "schedule: {warmup_steps: 3}\n"
                 "checkpoint: {every: 4}\n"
                 "evaluate: {every: 5, tokens: 300}\n"
                 "run: {gemm: aten}\n");
}

std::vector<std::string> SmallRun::command(const std::string& run, const std::vector<std::string>& overrides) const {
  std::vector<std::string> arguments{"pretrain", config_, "run.dir=" + (folder_ / run).string()};
  arguments.insert(arguments.end(), overrides.begin(), overrides.end());
  return strata_command(arguments);
}

Finished SmallRun::pretrain(const std::string& run, const std::vector<std::string>& overrides) const {
  return run_program(command(run, overrides));
}

std::filesystem::path SmallRun::checkpoint(const std::string& run, int64_t step) const {
  return train::checkpoint_path(folder_ / run, step);
}

std::string SmallRun::weights(const std::string& run, int64_t step) const {
  return read_file(checkpoint(run, step) / "model.safetensors");
}

std::vector<int64_t> SmallRun::steps(const std::string& run) const {
  std::vector<int64_t> steps;
  for (const auto& path : train::checkpoints_of(folder_ / run)) steps.push_back(train::step_of(path));
  return steps;
}

std::vector<json> SmallRun::lines(const std::string& run, const std::string& file) const {
  std::vector<json> found;
  std::istringstream text(read_file(folder_ / run / file));
  for (std::string line; std::getline(text, line);) {
    found.push_back(json::parse(line));
    for (const char* time : {"seconds", "communication_seconds", "exposed_seconds"}) found.back().erase(time);
    found.back().erase("tokens_per_second");
  }
  return found;
}

}  // namespace strata::test
