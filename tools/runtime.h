#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <memory>

#include "strata/base/allocator.h"
#include "strata/config/enums.h"
#include "strata/config/run_config.h"
#include "strata/data/tokenizer.h"
#include "strata/kernels/gemm.h"
#include "strata/nn/model_spec.h"
#include "strata/workers/communicator.h"

namespace strata::tools {

/// Sets the number of threads; 0: all cores, or what OMP_NUM_THREADS says.
void set_threads(const config::RunSettings& run);

/// Sets the number of threads and gives the GEMM library that `run.gemm` names. Comes before anything that computes.
std::unique_ptr<kernels::Gemm> start(const config::RunSettings& run);

/// For all workers the library that the first one takes.
std::unique_ptr<kernels::Gemm> common_gemm(const config::RunSettings& run, workers::Communicator& workers);

/// The config at `path` with overrides, with its scheme checked too. Errors carry their place. With sft.model, model
/// and norm are that folder's (other values are an error), and so is the tokenizer unless data.tokenizer names one.
config::RunConfig load_config(const std::string& path, const std::vector<std::string>& overrides);

/// What data.tokenizer names. Throws UsageError where it names nothing, and where the model's vocabulary is too small.
data::Tokenizer open_tokenizer(const config::RunConfig& config);

/// The values of a key's enum by name, for an option of the command line.
template <config::NamedEnum E>
std::map<std::string, E> by_name() {
  std::map<std::string, E> values;
  int next = 0;
  for (const std::string_view name : enum_names(E{})) values.emplace(name, static_cast<E>(next++));
  return values;
}

/// A config on the command line.
struct ConfigArguments {
  std::string path;
  std::vector<std::string> overrides;

  config::RunConfig load() const { return load_config(path, overrides); }
};

/// The positional arguments CONFIG, and key.path=value... which must come after every other positional argument.
void add_config_option(CLI::App& command, ConfigArguments& arguments);
void add_override_option(CLI::App& command, ConfigArguments& arguments);

}  // namespace strata::tools
