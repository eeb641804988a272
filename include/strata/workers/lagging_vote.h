#pragma once

#include "strata/workers/communicator.h"

namespace strata::workers {

/// A question asked again and again, as often on every rank: whether any of them has said yes. The answer is about the
/// call before, so that nobody waits for the slowest; alone, about this one.
class LaggingVote {
 public:
  explicit LaggingVote(Communicator& workers);
  LaggingVote(const LaggingVote&) = delete;
  LaggingVote& operator=(const LaggingVote&) = delete;
  bool operator()(bool mine);

 private:
  Communicator& workers_;
  at::Tensor votes_;  // how many said yes
  Handle under_way_;
};

}  // namespace strata::workers
