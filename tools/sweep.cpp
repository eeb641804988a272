// strata sweep: runs that a file describes, each arm with several seeds, and what they come to.
#include "conduct_arguments.h"

namespace strata::tools {
namespace {

struct SweepArguments {
  std::string file, output;
  study::ConductOptions conduct;
};

constexpr const char* kFooter =
    "The file's keys: base, set, vary, zip, names, baseline, seeds, seed_of, tune, tune_seeds, outcome, budget, "
    "target, output; docs/comparing.md says what they mean. Killed and started again, it goes on where it was.";

}  // namespace

void add_sweep(const Command& program) {
  const auto arguments = std::make_shared<SweepArguments>();
  const Command command = program.add("sweep", "run what a YAML file compares, and say what is different");
  command.option("sweep", arguments->file, "YAML file").required();
  command.option("--output", arguments->output, "folder of runs and results (default: the file's output)");
  add_conduct_options(command, arguments->conduct);
  command.footer(kFooter);
  command.run([arguments] {
    study::SweepConfig sweep = study::read_sweep(arguments->file);
    if (!arguments->output.empty()) sweep.output = arguments->output;
    conduct_sweep(sweep, arguments->conduct);
  });
}

}  // namespace strata::tools
