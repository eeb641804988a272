#include "say.h"

#include <iostream>
#include <utility>

#include "strata/base/log.h"
#include "strata/base/machine.h"
#include "strata/base/text.h"
#include "strata/base/version.h"
#include "strata/config/enums.h"

namespace strata::run {
namespace {

int64_t planned_bytes(const Settled& run, int64_t program) { return program + run.memory.device_bytes(); }

std::string where(const Rate& rate, const RunDevice& device) {
  std::string one = place_text(device);
  if (rate.workers == 1) return one;
  return device.cuda ? str(rate.workers, " x ", one) : str(rate.workers, " workers with ", one, " each");
}

}  // namespace

void say_header(const std::string& command, const Settled& run, const RunDevice& device, int64_t program,
                const Rate& rate, const std::vector<std::string>& about_input) {
  const config::RunConfig& config = run.config;
  const double flops = rate.flops_per_token;
  std::cout << "strata " << version() << " · " << command << " · " << config.norm.scheme << " · seed "
            << config.run.seed << " · " << config.run.dir << "\n  parameters " << with_commas(run.spec.layout.count())
            << " · " << fixed(flops / 1e9, 3) << " GFLOP per token · " << config.train.global_batch << " rows of up to "
            << config.data.sequence_length << " tokens per step\n  memory " << human_bytes(planned_bytes(run, program))
            << ", recompute " << config::enum_name(config.train.recompute);
  const char* separator = ": ";
  const auto show = [&](const std::string& name, int64_t bytes) {
    if (bytes > 0) std::cout << std::exchange(separator, ", ") << name << " " << human_bytes(bytes);
  };
  show("program and libraries", program);
  for (const auto& [name, bytes] : plan::bytes_by_class(run.memory)) show(name, bytes);
  std::cout << "\n  " << where(rate, device) << " · " << rate.library << " " << fixed(rate.gflops, 0)
            << " GFLOP/s on this model's shapes · at most "
            << with_commas(static_cast<int64_t>(rate.gflops * 1e9 / flops)) << " tokens/s\n";
  for (const std::string& line : about_input) std::cout << "  " << line << "\n";
  std::cout << std::flush;
}

void say_memory(const Settled& run, const RunDevice& device, int64_t program) {
  const int64_t peak = device.cuda ? device.cuda->peak_allocated_bytes() : peak_resident_bytes();
  if (peak == 0) return;
  const int64_t planned = planned_bytes(run, program);
  const double more = 100.0 * (static_cast<double>(peak) / static_cast<double>(planned) - 1.0);
  std::cout << "memory: planned " << human_bytes(planned)
            << (device.cuda ? ", allocated at most " : ", resident at most ") << human_bytes(peak) << " ("
            << (more < 0.0 ? "" : "+") << fixed(more, 1) << " %)\n"
            << std::flush;
}

void say_end(const Settled& run, const RunResult& result) {
  const train::Progress& progress = result.progress;
  if (result.signal != 0) {
    return log::info(
        str("stopped by signal ", result.signal, " after step ", progress.step, "; the checkpoint is saved"));
  }
  std::cout << "done: step " << progress.step << ", " << with_commas(progress.tokens) << " tokens, in "
            << run.config.run.dir << "\n"
            << std::flush;
}

}  // namespace strata::run
