// strata bench launches: what a step asks a GPU for, without one.
#include <iostream>

#include "../config_arguments.h"
#include "bench.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/config/enums.h"
#include "strata/nn/of_config.h"
#include "strata/plan/memory_plan.h"
#include "strata/plan/step_cost.h"

namespace strata::tools {
namespace {

void run(const ConfigArguments& arguments) {
  config::RunConfig config = arguments.load();
  const nn::ModelSpec spec = nn::describe(config);
  if (config.train.recompute == config::Recompute::kAuto) config.train.recompute = config::Recompute::kNone;
  const plan::StepWork work = plan::count_step(config, spec);
  const auto layers = static_cast<double>(config.model.layers);
  config::RunConfig shallow = config;
  shallow.model.layers = config.model.layers - 1;
  const auto of_layer =
      plan::launches_of(work.micro_batch) -
      (layers > 1 ? plan::launches_of(plan::count_step(shallow, nn::describe(shallow)).micro_batch) : 0);
  log::show(str(arguments.path, ": ", config.norm.scheme, ", ",
                config::enum_name(nn::options_for(config, at::kCUDA).precision), ", as one GPU is asked for it\n\n",
                "a micro-batch of ", config.train.micro_batch, " full rows, ", with_commas(work.tokens), " tokens; ",
                of_layer, " launches of each layer\n", plan::launch_table(work.micro_batch).text("  "), "\na step of ",
                work.micro_batches, " besides\n", plan::launch_table(work.rest).text("  "), "\nthe update of a step\n",
                plan::launch_table(work.update).text("  ")));
}

}  // namespace

void add_bench_launches(const Command& bench) {
  const auto arguments = std::make_shared<ConfigArguments>();
  const Command command = bench.add("launches", "what a step asks a GPU for: launches, bytes, products; needs none");
  add_config_option(command, *arguments);
  add_override_option(command, *arguments);
  command.run([arguments] { run(*arguments); });
}

}  // namespace strata::tools
