#include "strata/nn/model_folder.h"

#include "strata/base/check.h"
#include "strata/config/print.h"
#include "strata/io/file.h"

namespace strata::nn {

void save_model_folder(const config::RunConfig& config, const Parameters& parameters,
                       const std::filesystem::path& folder) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  STRATA_CHECK(!failure, "cannot make the folder ", folder.string(), ": ", failure.message());
  save_parameters(parameters.layout(), parameters.master(), folder / kWeightsFile);
  io::write_atomically(folder / kConfigFile, config::to_yaml(config, {"model", "norm"}));
}

}  // namespace strata::nn
