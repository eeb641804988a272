#include "strata/study/conduct.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "execution.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/io/file.h"
#include "strata/study/index.h"
#include "strata/study/queue.h"
#include "strata/study/report.h"
#include "strata/study/run_state.h"
#include "strata/study/runs.h"
#include "tuning.h"

namespace strata::study {
namespace {

namespace fs = std::filesystem;

// Of what matrix products alone reach.
constexpr double kUtilisation = 0.8;

double work_left(const std::vector<Run>& runs) {
  double work = 0.0;
  for (const Run& run : runs) work += has_ended(run.folder()) ? 0.0 : flops_of(run.config);
  return work;
}

// What will run, and how long that may take.
void announce(const Study& study, const std::vector<Run>& tuning, const std::vector<Run>& judged,
              const Machine& machine) {
  const SweepConfig& sweep = study.sweep();
  const config::RunConfig& first = judged.front().config;
  const int64_t tokens = first.train.steps * first.train.global_batch * first.data.sequence_length;
  std::string text = str("sweep of ", sweep.base, " in ", sweep.output, "\n  runs ", judged.size(), " = arms ",
                         study.arms().size(), " x seeds ", sweep.seeds.numbers.size());
  if (!tuning.empty()) text += str(", and ", tuning.size(), " to tune ", join(tuned_keys(sweep), ", "));
  text += str("\n  judged by ", outcome_of(sweep.outcome.front()).title, ", against ",
              study.arms()[study.baseline()].name, "\n  each of ", with_commas(first.train.steps), " steps, at most ",
              with_commas(tokens), " tokens\n  ", machine.jobs, " at once");
  if (!machine.has_gpus) {
    text += str(", each with ", machine.execution.threads, machine.execution.threads == 1 ? " thread, " : " threads, ",
                machine.execution.gemm);
  }
  text += str(", about ", human_bytes(machine.run_bytes), " of memory");
  const double work = work_left(tuning) + work_left(judged);
  const double rate = kUtilisation * machine.gflops * 1e9;
  if (work == 0.0) text += "\n  all of it has ended already";
  if (work > 0.0 && rate > 0.0) text += str("\n  about ", human_seconds(work / rate), " on this machine");
  if (work > 0.0 && rate == 0.0) text += str("\n  ", scientific(work, 2), " FLOPs left");
  log::say(text + "\n");
  std::vector<std::string> names;
  for (const Arm& arm : study.arms()) names.push_back(str("  ", arm.name, ": ", join(arm.overrides, " ")));
  log::say(join(names, "\n") + "\n");
}

// The table of a smaller sweep takes the place of a larger one's.
void tell_of_left_out(const fs::path& output, const StudyIndex& now) {
  const auto before = read_index(output);
  if (!before) return;
  std::set<fs::path> asked;
  for (const RunGroup& arm : now.arms) {
    for (const auto& [seed, folder] : arm.folders) asked.insert(fs::weakly_canonical(folder));
  }
  std::vector<std::string> left_out;
  for (const RunGroup& arm : before->arms) {
    for (const auto& [seed, folder] : arm.folders) {
      if (!asked.contains(fs::weakly_canonical(folder))) left_out.push_back(folder.filename().string());
    }
  }
  if (left_out.empty()) return;
  log::warn(str(output.string(), " has runs that this table leaves out: ", join(left_out, " ")));
}

void write_sweep(const SweepConfig& sweep) {
  SweepConfig written = sweep;
  const fs::path output = fs::absolute(sweep.output).lexically_normal();
  written.base = fs::absolute(sweep.base).lexically_normal().lexically_relative(output).string();
  written.output = output.string();
  fs::create_directories(output);
  io::write_atomically(output / "study.yaml", to_yaml(written));
}

void write_slurm(const SweepConfig& sweep, const ConductOptions& options, size_t runs) {
  const fs::path output = fs::absolute(sweep.output).lexically_normal();
  const fs::path script = output / "sweep.sbatch";
  io::write_atomically(
      script, str("#!/bin/bash\n", "# Jobs of an array that share the runs of a sweep: each takes what no other has.\n",
                  "# Add what your cluster wants: partition, account, --gres=gpu:1, --time.\n",
                  "#SBATCH --job-name=", output.filename().string(), "\n#SBATCH --array=1-", runs,
                  "\n#SBATCH --nodes=1 --ntasks=1\n#SBATCH --signal=B:TERM@60\n#SBATCH --requeue\n",
                  "#SBATCH --output=", (output / "slurm-%A_%a.txt").string(), "\nexec ", options.program, " sweep ",
                  (output / "study.yaml").string(), " --jobs 1\n"));
  log::say(str("written: ", script.string(), "\n  next: sbatch ", script.string()));
}

void write_tables(const Conducted& conducted, const fs::path& output) {
  std::string markdown, latex;
  for (const Results& results : conducted.results) {
    markdown += table_of(results).markdown() + "\n";
    for (const std::string& sentence : verdicts(results)) markdown += "- " + sentence + "\n";
    markdown += "\n";
    latex += latex_of(results) + "\n";
  }
  io::write_atomically(output / "table.csv", csv_of(conducted.results));
  io::write_atomically(output / "table.md", markdown);
  io::write_atomically(output / "table.tex", latex);
}

void say_results(const Conducted& conducted, const fs::path& page) {
  const Results& judged = conducted.results.front();
  std::string text = "\n" + brief_table_of(judged).text("  ") + "\n";
  for (const std::string& sentence : verdicts(judged)) text += sentence + "\n";
  log::say(text + "\nthe page is " + page.string() + ", beside table.csv, table.md and table.tex");
}

}  // namespace

Conducted conduct(const SweepConfig& sweep, const ConductOptions& options) {
  Study study(sweep);  // finds what is wrong before anything is measured
  const Machine machine = share_machine(study.example(), options, sweep.output);
  study.set_execution(machine.execution);
  const std::vector<Run> tuning = study.tuning_runs();
  const std::vector<Run> untuned = study.judged_runs(std::vector<std::vector<std::string>>(study.arms().size()));
  for (const Run& run : study.is_tuned() ? tuning : untuned) state_of(run);  // throws before anything is written
  announce(study, tuning, untuned, machine);
  Conducted conducted;
  if (options.dry_run) return conducted;
  const StudyIndex planned = index_of(study, tuning, untuned);
  tell_of_left_out(sweep.output, planned);
  write_sweep(sweep);
  if (!machine.has_gpus) remember(machine.execution, sweep.output);
  if (options.slurm) {
    write_slurm(sweep, options, tuning.size() + untuned.size());
    return conducted;
  }
  const QueueOptions queue{.program = options.program,
                           .jobs = machine.jobs,
                           .devices = machine.devices,
                           .retry_failed = options.retry_failed};
  write_index(sweep.output, planned);  // for who looks on
  QueueOptions first = queue;
  first.kind = "tuning runs";
  first.flops_after = work_left(untuned);
  const Tuned tuned = tune(study, tuning, first);
  conducted.signal = tuned.signal;
  if (conducted.signal != 0) return conducted;
  const std::vector<Run> judged = study.judged_runs(tuned.best);
  const StudyIndex index = index_of(study, tuned.runs, judged);
  write_index(sweep.output, index);
  const QueueEnd end = run_all(judged, queue);
  conducted.signal = end.signal;
  conducted.failed = end.failed;
  if (conducted.signal != 0) return conducted;
  const std::vector<ArmRuns> arms = read_groups(index.arms);
  conducted.results = results_of(index, arms);
  write_tables(conducted, sweep.output);
  const fs::path page = fs::path(sweep.output) / "report.html";
  write_report({.arms = arms, .tuning = read_groups(index.tuning), .results = conducted.results},
               {.page = page, .title = fs::absolute(sweep.output).lexically_normal().filename().string()});
  say_results(conducted, page);
  return conducted;
}

}  // namespace strata::study
