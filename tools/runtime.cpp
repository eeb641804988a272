#include "runtime.h"

#include <ATen/Parallel.h>

#include "strata/config/enums.h"
#include "strata/config/load.h"
#include "strata/nn/model_spec.h"

namespace strata::tools {

void set_threads(const config::RunSettings& run) {
  if (run.threads > 0) at::set_num_threads(static_cast<int>(run.threads));
}

std::unique_ptr<kernels::Gemm> start(const config::RunSettings& run) {
  set_threads(run);
  if (run.gemm == config::Gemm::kAuto) return kernels::fastest_gemm();
  return kernels::make_gemm(std::string(config::enum_name(run.gemm)));
}

std::unique_ptr<kernels::Gemm> common_gemm(const config::RunSettings& run, dist::Communicator& workers) {
  if (!workers.is_first()) return kernels::make_gemm(dist::broadcast_text(workers, ""));
  auto gemm = start(run);
  dist::broadcast_text(workers, gemm->name());
  return gemm;
}

config::RunConfig load_config(const std::string& path, const std::vector<std::string>& overrides) {
  const config::Loaded loaded = config::load(path, overrides);
  try {
    nn::describe(loaded.config.model, loaded.config.norm);
  } catch (const config::KeyError& error) {
    throw loaded.origins.locate(error);
  }
  return loaded.config;
}

void add_config_option(CLI::App& command, ConfigArguments& arguments) {
  command.add_option("config", arguments.path, "YAML file")->required();
}

void add_override_option(CLI::App& command, ConfigArguments& arguments) {
  command.add_option("overrides", arguments.overrides,
                     "key.path=value, over the config file; strata inspect --keys lists the keys");
}

}  // namespace strata::tools
