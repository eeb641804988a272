// strata compare: schemes, or any other values of keys, of one config against each other.
#include <filesystem>
#include <numeric>

#include "conduct_arguments.h"
#include "config_arguments.h"
#include "strata/base/check.h"
#include "strata/base/text.h"

namespace strata::tools {
namespace {

struct CompareArguments {
  ConfigArguments config;
  std::vector<std::string> schemes, vary, tune, outcomes;
  std::vector<int64_t> seeds{3};
  std::string baseline, output;
  study::Budget budget = study::Budget::kTokens;
  double target = 0.0;
  study::ConductOptions conduct;
};

// "optimizer.lr=1e-3,2e-3"
std::pair<std::string, std::vector<std::string>> key_and_values(const std::string& text, const char* option) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    throw UsageError(str(option, " ", text, ": expected KEY=VALUE,VALUE,..."));
  }
  std::pair<std::string, std::vector<std::string>> result{text.substr(0, equals), {}};
  for (size_t begin = equals + 1; begin <= text.size();) {
    const size_t comma = std::min(text.find(',', begin), text.size());
    result.second.push_back(text.substr(begin, comma - begin));
    begin = comma + 1;
  }
  return result;
}

// One number is how many, counted from 1; of several each is a seed.
std::vector<int64_t> seeds_of(const std::vector<int64_t>& given) {
  if (given.size() > 1) return given;
  std::vector<int64_t> seeds(static_cast<size_t>(given.front()));
  std::iota(seeds.begin(), seeds.end(), int64_t{1});
  return seeds;
}

// "--schemes pre post" leaves post behind.
void check_overrides(const std::vector<std::string>& overrides) {
  for (const std::string& word : overrides) {
    if (word.find('=') != std::string::npos) continue;
    throw UsageError(str("\"", word, "\": expected key.path=value; values of an option are joined by commas, as in ",
                         "--schemes pre,post"));
  }
}

study::SweepConfig sweep_of(const CompareArguments& arguments) {
  check_overrides(arguments.config.overrides);
  study::SweepConfig sweep{.base = arguments.config.path, .set = arguments.config.overrides};
  for (const std::string& text : arguments.vary) sweep.vary.push_back(key_and_values(text, "--vary"));
  if (!arguments.schemes.empty()) sweep.vary.emplace_back("norm.scheme", arguments.schemes);
  if (sweep.vary.empty()) throw_missing("--schemes or --vary");
  for (const std::string& text : arguments.tune) sweep.tune.push_back(key_and_values(text, "--tune"));
  sweep.seeds.numbers = seeds_of(arguments.seeds);
  if (!arguments.outcomes.empty()) sweep.outcome = arguments.outcomes;
  sweep.baseline = arguments.baseline;
  sweep.budget = arguments.budget;
  sweep.target = arguments.target;
  sweep.output = arguments.output;
  if (sweep.output.empty()) {
    sweep.output = (std::filesystem::path("sweeps") / std::filesystem::path(sweep.base).stem()).string();
  }
  return sweep;
}

}  // namespace

void add_compare(const Command& program) {
  const auto arguments = std::make_shared<CompareArguments>();
  const Command command = program.add("compare", "train schemes against each other; is the difference real?");
  add_config_options(command, arguments->config);
  command.option("--schemes", arguments->schemes, "values of norm.scheme, the baseline first: pre,pre+gpas")
      .separated_by(',')
      .only_one_argument();
  command.option("--vary", arguments->vary, "KEY=VALUE,VALUE,... of any key; several are crossed").only_one_argument();
  command.option("--tune", arguments->tune, "KEY=VALUE,VALUE,...: each arm runs with its best, found on another seed")
      .only_one_argument();
  command.option("--seeds", arguments->seeds, "runs of each arm: how many, or the seeds: 3,5,9")
      .range(1, 10'000)
      .separated_by(',')
      .only_one_argument()
      .shows_default("3");
  command.option("--baseline", arguments->baseline, "what the others are compared with (default: the first)");
  command.option("--outcome", arguments->outcomes, "what is compared (default: validation_loss; strata sweep has all)")
      .separated_by(',')
      .only_one_argument();
  command.choice("--budget", arguments->budget, by_name<study::Budget>(), "what arms have in common");
  command.option("--target", arguments->target, "test too whether the outcome is better than this");
  command.option("--output", arguments->output, "folder of runs and results (default: sweeps/<name of the config>)");
  add_conduct_options(command, arguments->conduct);
  command.run([arguments] { conduct_sweep(sweep_of(*arguments), arguments->conduct); });
}

}  // namespace strata::tools
