#include "strata/train/parameter_gather.h"

namespace strata::train {

void ParameterGather::start() {
  finish();
  if (workers_.world_size() == 1) return;
  for (const ArenaRange& bucket : partition_.buckets()) {
    const ArenaRange mine = partition_.slice(bucket);
    arriving_.push_back({bucket, workers_.all_gather(parameters_.master().narrow(0, bucket.begin, bucket.size()),
                                                     parameters_.master().narrow(0, mine.begin, mine.size()))});
  }
}

void ParameterGather::wait_for(const ArenaRange& section) {
  while (!arriving_.empty() && arriving_.front().bucket.begin < section.end) {
    arriving_.front().work->wait();
    parameters_.refresh_values(arriving_.front().bucket);
    arriving_.pop_front();
  }
}

}  // namespace strata::train
