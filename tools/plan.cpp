// strata plan: what a run will take before anything is allocated: memory, what fits, time, checkpoints.
#include <iostream>

#include "command.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/machine.h"
#include "strata/base/text.h"
#include "strata/data/tokenizer.h"
#include "strata/nn/of_config.h"
#include "strata/plan/plan_report.h"
#include "strata/run/measure.h"
#include "strata/run/settle.h"

namespace strata::tools {
namespace {

struct PlanArguments {
  std::vector<std::string> words;  // configs, and key.path=value
  std::vector<int> gpus;
  double memory = 0.0, reserve = 2e9;  // bytes
  double tflops = 0.0, utilisation = 0.0;
  std::string device;
};

constexpr int64_t kUsualGpu = 80'000'000'000;
constexpr double kGpuUtilisation = 0.4, kCpuUtilisation = 0.8;  // of what matrix products alone reach

plan::Machine gpus(const PlanArguments& arguments, int count) {
  const auto device = arguments.device.empty() ? std::nullopt : std::optional(plan::device_rates(arguments.device));
  const int64_t memory = device ? device->memory : kUsualGpu;
  const double share = arguments.utilisation > 0.0 ? arguments.utilisation : kGpuUtilisation;
  return {.place = {.device = at::kCUDA, .workers = count},
          .memory = arguments.memory > 0.0 ? static_cast<int64_t>(arguments.memory) : memory,
          .taken = static_cast<int64_t>(arguments.reserve),
          .taken_by = "left to CUDA",
          .flops_per_second = arguments.tflops * share * 1e12,
          .rate = device ? str("the rates of ", count, " x ", device->name)
                         : str(fixed(100.0 * share, 0), " % of ", count, " x ", arguments.tflops, " TFLOP/s"),
          .device = device};
}

// What a run finds when it begins: the program, its libraries with what they keep, the tokenizer.
plan::Machine this_machine(const PlanArguments& arguments, const config::RunConfig& config) {
  std::optional<data::Tokenizer> tokenizer;
  if (std::filesystem::is_regular_file(config.data.tokenizer)) tokenizer.emplace(config.data.tokenizer);
  const auto gemm = run::open_gemm(config.run, run::gemm_use(config));
  const double peak = run::peak_gflops(*gemm, config, at::kCPU, *workers::alone());
  const double share = arguments.utilisation > 0.0 ? arguments.utilisation : kCpuUtilisation;
  const int64_t taken = resident_bytes();
  const int64_t room = plan::room_on_this_host();
  return {.place = {},
          .memory = arguments.memory > 0.0 ? static_cast<int64_t>(arguments.memory) : room + taken,
          .taken = taken,
          .taken_by = "program and libraries",
          .flops_per_second = peak * share * 1e9,
          .rate = str(fixed(100.0 * share, 0), " % of ", gemm->name(), "'s ", fixed(peak, 0), " GFLOP/s")};
}

std::vector<plan::PlannedRun> planned_runs(const PlanArguments& arguments) {
  std::vector<std::string> configs, overrides;
  for (const std::string& word : arguments.words) {
    (word.find('=') == std::string::npos ? configs : overrides).push_back(word);
  }
  if (configs.empty()) throw_missing("config");
  if (!arguments.gpus.empty()) overrides.emplace_back("run.device=cuda");
  std::vector<plan::PlannedRun> runs;
  for (const std::string& path : configs) {
    const config::RunConfig config = run::with_steps(run::load_config(path, overrides));
    for (const std::string& idle : run::idle_keys(config)) log::warn(str(path, ": ", idle));
    runs.push_back({path, config, nn::describe(config)});
  }
  return runs;
}

void run(const PlanArguments& arguments) {
  const std::vector<plan::PlannedRun> runs = planned_runs(arguments);
  const bool is_overview = runs.size() > 1 || arguments.gpus.size() > 1;
  Table overview = plan::overview_table(arguments.gpus.empty() || arguments.tflops > 0.0 || !arguments.device.empty(),
                                        !arguments.device.empty());
  const auto add = [&](const plan::PlannedRun& planned, const plan::Machine& machine) {
    if (!is_overview) log::show(plan::plan_report(planned, machine));
    if (is_overview) overview.add(plan::overview_line(planned, machine));
    return machine.memory;
  };
  int64_t memory = 0;
  for (const plan::PlannedRun& planned : runs) {
    for (const int count : arguments.gpus) memory = add(planned, gpus(arguments, count));
    if (arguments.gpus.empty()) memory = add(planned, this_machine(arguments, planned.config));
  }
  if (!is_overview) return;
  std::cout << "memory of a " << (arguments.gpus.empty() ? "worker" : "GPU") << ": " << human_bytes(memory) << "\n\n"
            << overview.text();
}

}  // namespace

void add_plan(const Command& program) {
  const auto arguments = std::make_shared<PlanArguments>();
  const std::map<std::string, double> bytes{{"MB", 1e6}, {"GB", 1e9}, {"MiB", 0x1p20}, {"GiB", 0x1p30}};
  const Command command =
      program.add("plan", "what a run will take; memory by class, the largest micro-batch, hours, checkpoints");
  command.option("configs", arguments->words, "YAML files (several: a line each), and key.path=value over all of them");
  command.option("--gpus", arguments->gpus, "so many GPUs, 4 or 4,8; without it: the processor of this machine")
      .separated_by(',')
      .only_one_argument()
      .range(1, 1 << 16);
  command.option("--memory", arguments->memory, "of a GPU (default 80GB), or of this machine (default: all free)")
      .with_unit(bytes)
      .positive();
  command.option("--reserve", arguments->reserve, "of a GPU's memory, left to CUDA and its libraries (default 2GB)")
      .with_unit(bytes)
      .not_negative();
  command.option("--device", arguments->device,
                 str("times by the launches of a step on such GPUs: ", join(plan::device_names(), ", "),
                     "; one unless --gpus says otherwise"));
  command.option("--tflops", arguments->tflops, "a GPU's rate at its best, in 10^12 FLOP/s").positive();
  command.option("--utilisation", arguments->utilisation, "of the best rate (default 0.4; 0.8 on a processor)")
      .between(0.01, 1.0);
  command.run([arguments] {
    if (!arguments->device.empty() && arguments->gpus.empty()) arguments->gpus = {1};
    run(*arguments);
  });
}

}  // namespace strata::tools
