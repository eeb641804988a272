#pragma once

#include <string>
#include <vector>

#include "strata/study/queue.h"
#include "strata/study/runs.h"

namespace strata::study {

/// What became of the keys that a sweep tunes.
struct Tuned {
  std::vector<Run> runs = {};                       // that were made for it
  std::vector<std::vector<std::string>> best = {};  // of each arm, as overrides; empty where nothing is tuned
  int signal = 0;                                   // that stopped it; 0: all of it was done
};

std::vector<std::string> tuned_keys(const SweepConfig& sweep);

/// Makes the runs that tune, `first` those of the lists, then others beyond their ends (tune_beyond) as long as an
/// arm's best lies there, and says what each arm runs with. Throws Error for an arm of which no run came through.
Tuned tune(Study& study, const std::vector<Run>& first, const QueueOptions& queue);

}  // namespace strata::study
