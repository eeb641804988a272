#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "strata/study/results.h"
#include "strata/study/sweep.h"

/// A sweep from its definition to its results, as strata sweep and strata compare conduct it.
namespace strata::study {

struct ConductOptions {
  std::string program;  // strata: what makes a run
  int jobs = 0;         // runs at once; 0: as many as there are GPUs, or cores and memory for
  int threads = 0;      // of a run on the CPU; 0: the cores, divided; as before where the sweep goes on
  bool retry_failed = false;
  bool dry_run = false;  // say what would run
  bool slurm = false;    // write a script for sbatch in place of running
};

struct Conducted {
  int signal = 0;                     // that stopped it
  int64_t failed = 0;                 // runs
  std::vector<Results> results = {};  // of each outcome; none before all runs have ended
};

/// Says what will run, runs what is missing, tunes first where that is asked for, and leaves table.csv, table.md,
/// table.tex and report.html in sweep.output, beside the runs and study.yaml. Killed and started again, it goes on and
/// ends with the same tables. Throws UsageError for what cannot be run or compared.
Conducted conduct(const SweepConfig& sweep, const ConductOptions& options);

}  // namespace strata::study
