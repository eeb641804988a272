#include "execution.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <thread>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/machine.h"
#include "strata/base/text.h"
#include "strata/config/enums.h"
#include "strata/io/json.h"
#include "strata/nn/of_config.h"
#include "strata/plan/memory_plan.h"
#include "strata/run/device.h"
#include "strata/run/measure.h"
#include "strata/workers/communicator.h"

namespace strata::study {
namespace {

// Threads that are started meanwhile never get the signals that stop the queue.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t stops;
    sigemptyset(&stops);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) sigaddset(&stops, signal);
    pthread_sigmask(SIG_BLOCK, &stops, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_ = {};
};

std::vector<std::string> visible_gpus() {
  std::vector<std::string> gpus;
  const char* given = std::getenv("CUDA_VISIBLE_DEVICES");
  const int count = gpu_count();
  if (given == nullptr) {
    for (int gpu = 0; gpu < count; ++gpu) gpus.push_back(std::to_string(gpu));
    return gpus;
  }
  std::string list = given;
  for (size_t begin = 0; std::ssize(gpus) < count;) {
    const size_t comma = list.find(',', begin);
    gpus.push_back(list.substr(begin, comma - begin));
    if (comma == std::string::npos) break;
    begin = comma + 1;
  }
  return gpus;
}

// With the program, where that lies in the same memory.
int64_t bytes_of(config::RunConfig run, at::DeviceType device) {
  constexpr int64_t kProgram = 200'000'000;
  if (run.train.recompute == config::Recompute::kAuto) run.train.recompute = config::Recompute::kNone;
  const int64_t bytes = plan::plan_memory(run, nn::describe(run), {.device = device}).device_bytes();
  return device == at::kCPU ? bytes + kProgram : bytes;
}

int cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

std::filesystem::path remembered_in(const std::filesystem::path& output) { return output / "execution.json"; }

// An earlier process decided what bits depend on.
Execution remembered(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) return {};
  const nlohmann::json known = io::read_json(file);
  return {.threads = known.value("threads", 0), .gemm = known.value("gemm", "")};
}

void take_processor(const config::RunConfig& example, const ConductOptions& options, Machine& machine) {
  int& threads = machine.execution.threads;
  if (options.threads > 0 && threads > 0 && options.threads != threads) {
    log::warn(str("--threads ", options.threads, ": the runs so far had ", threads,
                  ", and last bits depend on it; the others may differ by rounding"));
  }
  if (options.threads > 0) threads = options.threads;
  if (threads == 0) threads = static_cast<int>(example.run.threads);
  if (threads == 0) threads = options.jobs > 0 ? std::max(1, cores() / options.jobs) : 1;
  const int64_t fitting = std::max<int64_t>(1, plan::room_on_this_host() / machine.run_bytes);
  const int64_t most = std::min<int64_t>(std::max(1, cores() / threads), fitting);
  machine.jobs = options.jobs > 0 ? options.jobs : static_cast<int>(most);
  const BlockedSignals blocked;
  config::RunConfig run = example;
  run.run.threads = threads;
  const auto known = machine.execution.gemm.empty() ? nullptr : kernels::make_gemm(machine.execution.gemm);
  const auto measured = known ? nullptr : run::open_gemm(run.run, run::gemm_use(run));
  if (known) run::set_threads(run.run);
  const kernels::Gemm& gemm = known ? *known : *measured;
  machine.execution.gemm = gemm.name();
  machine.gflops = machine.jobs * run::peak_gflops(gemm, run, at::kCPU, *workers::alone());
}

}  // namespace

Machine share_machine(const config::RunConfig& example, const ConductOptions& options,
                      const std::filesystem::path& output) {
  Machine machine{.execution = remembered(remembered_in(output))};
  machine.has_gpus = run::device_type_of(example.run) == at::kCUDA;
  machine.run_bytes = bytes_of(example, machine.has_gpus ? at::kCUDA : at::kCPU);
  if (machine.has_gpus) {
    const std::vector<std::string> gpus = visible_gpus();
    machine.jobs = options.jobs > 0 ? options.jobs : static_cast<int>(std::max<size_t>(1, gpus.size()));
    for (int job = 0; job < machine.jobs && !gpus.empty(); ++job) {
      machine.devices.push_back(gpus[static_cast<size_t>(job) % gpus.size()]);
    }
    machine.execution = {};
    return machine;
  }
  take_processor(example, options, machine);
  return machine;
}

void remember(const Execution& execution, const std::filesystem::path& output) {
  io::write_json(remembered_in(output), {{"threads", execution.threads}, {"gemm", execution.gemm}});
}

}  // namespace strata::study
