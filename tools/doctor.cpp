// strata doctor: what this installation is and what it lacks.
#include <ATen/Version.h>

#include <cstdlib>
#include <map>
#include <thread>

#include "command.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/machine.h"
#include "strata/base/table.h"
#include "strata/base/text.h"
#include "strata/base/threads.h"
#include "strata/base/version.h"
#include "strata/io/parquet.h"
#include "strata/kernels/cuda.h"
#include "strata/kernels/gemm.h"
#include "strata/workers/gloo.h"
#include "strata/workers/nccl.h"

namespace strata::tools {
namespace {

std::string threads() {
  const char* wanted = std::getenv("OMP_NUM_THREADS");
  return str(num_threads(), " of ", std::thread::hardware_concurrency(), " logical cores, OMP_NUM_THREADS ",
             wanted == nullptr ? "not set" : wanted);
}

// What run.gemm: auto takes each library for.
std::map<std::string, std::vector<std::string>> uses_of_gemms(bool anew) {
  std::map<std::string, std::vector<std::string>> uses;
  for (const auto& [type, precision] : {std::pair(at::kFloat, "fp32"), std::pair(at::kBFloat16, "bf16")}) {
    for (const auto& [hidden, size] : {std::pair(128, "small"), std::pair(512, "larger")}) {
      uses[kernels::fastest_gemm({.hidden = hidden, .factors = type}, anew)->name()].push_back(
          str(size, " ", precision));
    }
  }
  return uses;
}

void add_gemms(Table& table, bool anew) {
  auto uses = uses_of_gemms(anew);
  std::string label = "gemm";
  for (const std::string& name : kernels::available_gemms()) {
    const auto gemm = kernels::make_gemm(name);
    const double fp32 = kernels::measure_gemm(*gemm, 1560, 2736, 512);
    const double bf16 = kernels::measure_gemm(*gemm, 1560, 2736, 512, at::kBFloat16);
    const std::string taken = uses[name].empty() ? "" : "; run.gemm: auto takes it for " + join(uses[name], ", ");
    table.add({label, name, str(fixed(fp32, 0), " GFLOP/s, bf16 ", fixed(bf16, 0), taken)});
    label.clear();
  }
  for (const kernels::MissingGemm& missing : kernels::missing_gemms()) {
    table.add({label, missing.name, str("missing: apt-get install ", missing.package)});
  }
}

// One that CUDA cannot use is what somebody asks doctor about.
std::string gpu_text(int index) {
  try {
    const auto gpu = kernels::open_cuda({.index = index});
    const kernels::Cuda::Memory memory = gpu->memory();
    return str(gpu->name(), ", ", human_bytes(memory.free), " of ", human_bytes(memory.total), " free");
  } catch (const std::exception& failure) {
    const std::string text = failure.what();
    return "cannot be used: " + text.substr(0, text.find('\n'));
  }
}

// What models train on, apart from the CPU.
void add_cuda(Table& table) {
  const kernels::CudaBuild build = kernels::cuda_build();
  const bool has_kernels = build.problem.empty();
  table.add({"cuda", has_kernels ? "this build has CUDA kernels for " + build.architectures
                                 : "this build has no CUDA kernels: " + build.problem});
  const std::vector<std::string> gpus = gpu_names();
  table.add(
      {"gpus", gpus.empty() ? "none seen" : str(gpus.size(), ": ", join(gpus, ", "), "; ", gpu_count(), " visible")});
  for (int index = 0; has_kernels && index < gpu_count(); ++index) {
    table.add({str("gpu ", index), gpu_text(index)});
  }
  table.add({"",
             "training on a GPU, train.cuda_graph included, is untested: it has not run on a GPU yet; "
             "scripts/gpu_check.sh is what to run"});
}

// What carries collectives among workers.
void add_carriers(Table& table) {
  table.add({"gloo", workers::gloo_library()});
  const std::string lacks = workers::missing_for_nccl();
  table.add({"nccl", lacks.empty() ? "there, for parallel.backend=nccl" : "missing: " + lacks});
}

void run(bool anew) {
  Table table({{""}, {""}, {""}});
  table.add({"strata", str(version(), ", built by ", build())});
  table.add({"libtorch", str(torch_version(), ", ", at::get_cpu_capability(), " kernels")});
  table.add({"processor", processor_name()});
  table.add({"threads", threads()});
  table.add({"memory", str(human_bytes(memory_bytes()), ", ", human_bytes(available_memory_bytes()), " available")});
  add_gemms(table, anew);
  add_cuda(table);
  add_carriers(table);
  const std::string lacks = io::missing_for_parquet();
  table.add({"parquet", lacks.empty() ? "there, for data.train" : "missing: " + lacks});
  log::show(table.text());
}

}  // namespace

void add_doctor(const Command& program) {
  const Command command = program.add("doctor", "versions, threads, matrix libraries, and what is missing");
  const auto anew = std::make_shared<bool>(false);
  command.flag("--choose-gemm", *anew, "measure anew which matrix library run.gemm: auto takes");
  command.run([anew] { run(*anew); });
}

}  // namespace strata::tools
