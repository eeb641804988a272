// strata inspect: what a config or a model folder stands for, before anything is computed.
#include <ATen/Parallel.h>

#include <iostream>
#include <set>
#include <sstream>

#include "command.h"
#include "runtime.h"
#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/config/enums.h"
#include "strata/config/print.h"
#include "strata/hub/model_folder.h"
#include "strata/io/safetensors.h"
#include "strata/nn/report.h"
#include "strata/norm/report.h"

namespace strata::tools {
namespace {

struct InspectArguments {
  ConfigArguments config;
  bool parameters = false, buffers = false, keys = false;
};

// Everything behind the config is YAML comments, so that the whole output loads as a config.
void print(const std::string& yaml, const std::string& report) {
  std::cout << yaml;
  std::istringstream lines(report);
  for (std::string line; std::getline(lines, line);) std::cout << (line.empty() ? "#" : "# " + line) << "\n";
}

std::string section(const std::string& title, const Table& table) { return "\n" + title + "\n" + table.text("  "); }

std::string model_report(const nn::ModelSpec& spec, at::ScalarType dtype, bool parameters) {
  std::string report = section("parameters", nn::part_table(spec));
  if (parameters) report += section("every parameter", nn::parameter_table(spec.layout, dtype));
  return report + section(
                      "junctions: s = skip_scale * x + branch_norm(f), x' = out_norm(s), "
                      "n = next_scale * next_norm(x')",
                      norm::junction_table(spec.wiring));
}

std::string summary(const nn::ModelSpec& spec, int64_t context) {
  return str(with_commas(spec.layout.count()), " parameters, ",
             significant(nn::flops_per_token(spec.dims, context) / 1e9, 3), " GFLOP per token of a row of ", context);
}

std::string plan_report(const config::RunConfig& config, const nn::ModelSpec& spec, bool buffers) {
  const nn::ModelOptions options = nn::options_for(config);
  const Allocator plan = plan_run(config, spec);
  std::string report =
      section(str("memory: micro-batches of ", config.train.micro_batch, " rows of up to ", config.data.sequence_length,
                  " tokens, ", config::enum_name(options.precision), ", recompute ",
                  config::enum_name(config.train.recompute), ", ", at::get_num_threads(), " threads"),
              nn::memory_table(plan));
  return buffers ? report + section("every buffer", nn::buffer_table(plan)) : report;
}

void inspect_config(const InspectArguments& arguments) {
  const config::RunConfig config = arguments.config.load();
  set_threads(config.run);
  const nn::ModelSpec spec = nn::describe(config.model, config.norm);
  const int64_t tokens = config.train.global_batch * config.data.sequence_length;
  print(config::to_yaml(config),
        str("\n", summary(spec, config.data.sequence_length), "\n", config.train.global_batch, " rows of up to ",
            config.data.sequence_length, " tokens per step: ", with_commas(tokens), "\n",
            model_report(spec, nn::stored_dtype(config.train.precision), arguments.parameters),
            plan_report(config, spec, arguments.buffers)));
}

std::string dtypes_in(const io::SafetensorsFile& file) {
  std::set<std::string> dtypes;
  for (const std::string& name : file.names()) dtypes.insert(nn::name_of(file.info(name).dtype));
  return join({dtypes.begin(), dtypes.end()}, " and ");
}

void inspect_folder(const InspectArguments& arguments) {
  if (!arguments.config.overrides.empty()) throw UsageError("a model folder takes no key.path=value");
  if (arguments.buffers) throw UsageError("--buffers: the memory plan belongs to a config; a model folder has none");
  const hub::ModelFolder folder = hub::open_model_folder(arguments.config.path);
  nn::check_loadable(folder.spec.layout, folder.weights);
  const auto file = io::SafetensorsFile::open(folder.weights);
  const at::ScalarType dtype = file.info(folder.spec.layout.params.front().name).dtype;
  print(config::to_yaml(folder.config, {"model", "norm"}),
        str("\n", summary(folder.spec, folder.config.data.sequence_length), "\n", folder.weights.filename().string(),
            ": ", file.names().size(), " tensors in ", dtypes_in(file), ", all that the model needs\n",
            model_report(folder.spec, dtype, arguments.parameters)));
}

void run(const InspectArguments& arguments) {
  if (arguments.keys) {
    std::cout << config::help();
  } else if (arguments.config.path.empty()) {
    throw CLI::RequiredError("config or folder");
  } else if (std::filesystem::is_directory(arguments.config.path)) {
    inspect_folder(arguments);
  } else {
    inspect_config(arguments);
  }
}

}  // namespace

void add_inspect(CLI::App& program) {
  const auto arguments = std::make_shared<InspectArguments>();
  CLI::App* command = program.add_subcommand(
      "inspect", "the resolved config, its parameters, junctions and memory; the output is a config itself");
  command->add_option("config", arguments->config.path,
                      "YAML file, or a model folder, ours or a stock Hugging Face LLaMA");
  add_override_option(*command, arguments->config);
  command->add_flag("--parameters", arguments->parameters, "also every parameter");
  command->add_flag("--buffers", arguments->buffers, "also every buffer of the memory plan");
  command->add_flag("--keys", arguments->keys, "list every config key instead");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace strata::tools
