#include "conduct_arguments.h"

#include <filesystem>

#include "config_arguments.h"
#include "strata/base/log.h"
#include "strata/base/text.h"

namespace strata::tools {

void add_conduct_options(const Command& command, study::ConductOptions& options) {
  command.option("--jobs", options.jobs, "runs at once (default: one a GPU, or a core where memory allows)").positive();
  command.option("--threads", options.threads, "of each run on the processor (default: 1, or the cores over --jobs)")
      .positive();
  command.flag("--retry-failed", options.retry_failed, "run those again that have failed, from their checkpoints");
  command.flag("--dry-run", options.dry_run, "say what would run, and stop");
  command.flag("--slurm", options.slurm, "write a job array for sbatch in place of running");
}

void conduct_sweep(const study::SweepConfig& sweep, study::ConductOptions options) {
  options.program = std::filesystem::read_symlink("/proc/self/exe").string();
  const study::Conducted conducted = study::conduct(sweep, options);
  if (conducted.signal != 0) {
    log::info("stopped: every run has its checkpoint, and the same command goes on from there");
  }
  end_run(conducted.signal);
  if (conducted.failed > 0) throw Stopped{1};
}

}  // namespace strata::tools
