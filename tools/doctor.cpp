// strata doctor: what this installation is and what it lacks.
#include <ATen/Parallel.h>
#include <ATen/Version.h>

#include <cstdlib>
#include <iostream>
#include <thread>

#include "command.h"
#include "strata/base/check.h"
#include "strata/base/machine.h"
#include "strata/base/table.h"
#include "strata/base/text.h"
#include "strata/base/version.h"
#include "strata/dist/gloo.h"
#include "strata/dist/nccl.h"
#include "strata/kernels/gemm.h"

namespace strata::tools {
namespace {

std::string threads() {
  const char* wanted = std::getenv("OMP_NUM_THREADS");
  return str(at::get_num_threads(), " of ", std::thread::hardware_concurrency(), " logical cores, OMP_NUM_THREADS ",
             wanted == nullptr ? "not set" : wanted);
}

void add_gemms(Table& table) {
  const std::string automatic = kernels::fastest_gemm()->name();
  std::string label = "gemm";
  for (const std::string& name : kernels::available_gemms()) {
    const double rate = kernels::measure_gemm(*kernels::make_gemm(name), 1560, 2736, 512);
    table.add({label, name, str(fixed(rate, 0), " GFLOP/s", name == automatic ? ", what run.gemm: auto takes" : "")});
    label.clear();
  }
  for (const kernels::MissingGemm& missing : kernels::missing_gemms()) {
    table.add({label, missing.name, str("missing: apt-get install ", missing.package)});
  }
}

// What carries collectives among workers.
void add_carriers(Table& table) {
  table.add({"gloo", dist::gloo_library()});
  const std::string lacks = dist::missing_for_nccl();
  table.add({"nccl", lacks.empty() ? "there, for parallel.backend=nccl" : "missing: " + lacks});
  const std::vector<std::string> gpus = gpu_names();
  table.add(
      {"gpus", gpus.empty() ? "none seen" : str(gpus.size(), ": ", join(gpus, ", "), "; ", gpu_count(), " visible")});
  table.add({"cuda", "this build of Strata trains on the CPU; GPUs carry collectives only"});
}

void run() {
  Table table({{""}, {""}, {""}});
  table.add({"strata", str(version(), ", built by ", build())});
  table.add({"libtorch", str(torch_version(), ", ", at::get_cpu_capability(), " kernels")});
  table.add({"processor", processor_name()});
  table.add({"threads", threads()});
  table.add({"memory", str(human_bytes(memory_bytes()), ", ", human_bytes(available_memory_bytes()), " available")});
  add_gemms(table);
  add_carriers(table);
  std::cout << table.text();
}

}  // namespace

void add_doctor(CLI::App& program) {
  CLI::App* command = program.add_subcommand("doctor", "versions, threads, matrix libraries, and what is missing");
  command->callback([] { run(); });
}

}  // namespace strata::tools
