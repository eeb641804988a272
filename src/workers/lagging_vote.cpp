#include "strata/workers/lagging_vote.h"

#include <ATen/ops/zeros.h>

namespace strata::workers {

LaggingVote::LaggingVote(Communicator& workers) : workers_(workers), votes_(at::zeros({1}, at::kLong)) {}

bool LaggingVote::operator()(bool mine) {
  if (workers_.world_size() == 1) return mine;
  if (under_way_) under_way_->wait();
  int64_t& votes = *votes_.mutable_data_ptr<int64_t>();
  const bool answer = votes > 0;
  votes = mine ? 1 : 0;
  under_way_ = workers_.all_reduce(votes_, SumOrder::kFast);
  return answer;
}

}  // namespace strata::workers
