// strata inspect: what a config or a model folder stands for, before anything is computed.

#include <iostream>
#include <sstream>

#include "command.h"
#include "config_arguments.h"
#include "inspect.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/base/threads.h"
#include "strata/config/enums.h"
#include "strata/config/print.h"
#include "strata/hub/model_folder.h"
#include "strata/nn/of_config.h"
#include "strata/nn/report.h"
#include "strata/norm/report.h"
#include "strata/plan/plan_report.h"
#include "strata/run/device.h"
#include "strata/run/written_files.h"

namespace strata::tools {
namespace {

struct InspectArguments {
  ConfigArguments config;
  bool parameters = false, buffers = false, keys = false, metrics = false, markdown = false;
};

std::string section(const std::string& title, const Table& table) { return "\n" + title + "\n" + table.text("  "); }

std::string plan_report(const config::RunConfig& given, const nn::ModelSpec& spec, bool buffers) {
  const config::RunConfig config = plan::with_recompute(given, spec, {}, plan::room_on_this_host());
  const nn::ModelOptions options = nn::options_for(config);
  const plan::MemoryPlan plan = plan::plan_memory(config, spec, {});
  std::string report =
      section(str("memory: micro-batches of ", config.train.micro_batch, " rows of up to ", config.data.sequence_length,
                  " tokens, ", config::enum_name(options.precision), ", recompute ",
                  config::enum_name(config.train.recompute), ", ", num_threads(), " threads"),
              plan::memory_table(plan));
  return buffers ? report + section("every buffer", nn::buffer_table(plan.buffers)) : report;
}

void inspect_config(const InspectArguments& arguments) {
  const config::RunConfig config = arguments.config.load();
  for (const std::string& idle : run::idle_keys(config)) log::warn(idle);
  run::set_threads(config.run);
  const nn::ModelSpec spec = nn::describe(config);
  const int64_t tokens = config.train.global_batch * config.data.sequence_length;
  const std::string steps = config.sft.model.empty()
                                ? ""
                                : str("\n", config.sft.epochs, " epochs of sft.data decide train.steps: strata plan");
  print_with_comments(
      config::to_yaml(config),
      str("\n", model_summary(spec, config.data.sequence_length), "\n", config.train.global_batch, " rows of up to ",
          config.data.sequence_length, " tokens per step: ", with_commas(tokens), steps, "\n",
          model_report(spec, nn::stored_dtype(config.train.precision), arguments.parameters),
          plan_report(config, spec, arguments.buffers)));
}

void inspect_folders(const InspectArguments& arguments) {
  if (arguments.buffers) throw UsageError("--buffers: the memory plan belongs to a config; a model folder has none");
  const std::vector<std::string>& more = arguments.config.overrides;
  if (more.empty()) return inspect_folder(arguments.config.path, arguments.parameters);
  if (more.size() > 1 || !hub::find_model_folder(more[0])) {
    throw UsageError(str(more.back(), ": a model folder takes no key.path=value, only a second folder beside it"));
  }
  compare_folders(arguments.config.path, more[0]);
}

// Markdown is for files: its lines stay as they are.
void print_reference(const std::string& text, bool is_markdown) {
  if (!is_markdown) return log::show(text);
  std::cout << text;
}

void run(const InspectArguments& arguments) {
  if (arguments.markdown && !arguments.keys && !arguments.metrics) {
    throw UsageError("--markdown: is for --keys or --metrics");
  }
  if (arguments.keys) {
    print_reference(arguments.markdown ? config::reference() : config::help(), arguments.markdown);
  } else if (arguments.metrics) {
    print_reference(arguments.markdown ? run::reference_of_files() : run::help_of_files(), arguments.markdown);
  } else if (arguments.config.path.empty()) {
    throw_missing("config or folder");
  } else if (hub::find_model_folder(arguments.config.path)) {
    inspect_folders(arguments);
  } else {
    inspect_config(arguments);
  }
}

}  // namespace

void print_with_comments(const std::string& yaml, const std::string& report) {
  std::cout << yaml;
  std::istringstream lines(report);
  for (std::string line; std::getline(lines, line);) std::cout << (line.empty() ? "#" : "# " + line) << "\n";
}

std::string model_summary(const nn::ModelSpec& spec, int64_t context) {
  return str(with_commas(spec.layout.count()), " parameters, ",
             significant(nn::flops_per_token(spec.dims, context) / 1e9, 3), " GFLOP per token of a row of ", context);
}

std::string model_report(const nn::ModelSpec& spec, at::ScalarType dtype, bool parameters) {
  std::string report = section("parameters", nn::part_table(spec));
  if (parameters) report += section("every parameter", nn::parameter_table(spec.layout, dtype));
  return report + section(
                      "junctions: s = skip_scale * x + branch_scale * branch_norm(f), x' = out_norm(s), "
                      "n = next_scale * next_norm(x')",
                      norm::junction_table(spec.wiring));
}

void add_inspect(const Command& program) {
  const auto arguments = std::make_shared<InspectArguments>();
  const Command command = program.add("inspect",
                                      "look into a config, a checkpoint, two model folders; the resolved config with "
                                      "parameters, junctions and memory (a config itself), whether a checkpoint is "
                                      "sound, where two folders differ");
  command.option("config", arguments->config.path,
                 "YAML file, or a model folder (a checkpoint, a stock Hugging Face LLaMA)");
  command.option("overrides", arguments->config.overrides,
                 "after a file: key.path=value over it; after a folder: another folder to compare it with");
  command.flag("--parameters", arguments->parameters, "also every parameter");
  command.flag("--buffers", arguments->buffers, "also every buffer of the memory plan");
  const Option keys = command.flag("--keys", arguments->keys, "list every config key instead");
  command.flag("--metrics", arguments->metrics, "list every field of the files that a run writes instead")
      .excludes(keys);
  command.flag("--markdown", arguments->markdown,
               "as docs/configuration.md has the keys, and docs/metrics.md the fields");
  command.run([arguments] { run(*arguments); });
}

}  // namespace strata::tools
