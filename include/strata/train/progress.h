#pragma once

#include "strata/data/order.h"
#include "strata/train/spikes.h"

namespace strata::train {

/// Where a run stands: with the parameters and the optimizer's states, all that decides the next step.
struct Progress {
  int64_t step = 0;  // updates asked for so far, skipped ones included
  data::OrderCursor cursor;
  int64_t tokens = 0;   // seen
  int64_t skipped = 0;  // steps without an update: not finite, or a spike
  SpikeWindow spikes;

  bool operator==(const Progress&) const = default;
};

}  // namespace strata::train
