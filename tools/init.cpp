// strata init: a model at its start, so that schemes can be compared from equal weights.
#include <iostream>

#include "command.h"
#include "config_arguments.h"
#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/nn/model.h"
#include "strata/nn/model_folder.h"
#include "strata/nn/of_config.h"
#include "strata/run/device.h"

namespace strata::tools {
namespace {

struct InitArguments {
  ConfigArguments config;
  std::string folder;
};

void run(const InitArguments& arguments) {
  const config::RunConfig config = arguments.config.load();
  const auto weights = std::filesystem::path(arguments.folder) / nn::kWeightsFile;
  STRATA_CHECK(!std::filesystem::exists(weights), weights.string(), ": is there already; init overwrites nothing");
  run::set_threads(config.run);
  const nn::ModelSpec spec = nn::describe(config.model, config.norm);
  Allocator allocator(at::kCPU);
  nn::Parameters parameters(spec, nn::options_for(config).precision, allocator, false);
  parameters.initialise(static_cast<uint64_t>(config.run.seed));
  nn::save_model_folder(config, parameters, arguments.folder);
  std::cout << arguments.folder << ": " << with_commas(spec.layout.count()) << " parameters, " << config.norm.scheme
            << ", seed " << config.run.seed << "\n";
}

}  // namespace

void add_init(const Command& program) {
  const auto arguments = std::make_shared<InitArguments>();
  const Command command =
      program.add("init", "write an untrained model folder; a tensor starts the same under every scheme that has it");
  add_config_option(command, arguments->config);
  command.option("folder", arguments->folder, "where to write model.safetensors and config.yaml").required();
  add_override_option(command, arguments->config);
  command.run([arguments] { run(*arguments); });
}

}  // namespace strata::tools
