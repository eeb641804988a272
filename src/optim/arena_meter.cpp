#include "strata/optim/arena_meter.h"

#include <ATen/ops/zeros.h>

#include <algorithm>

namespace strata::optim {
namespace {

float value_at(const at::Tensor& arena, int64_t place) {
  return *arena.narrow(0, place, 1).to(at::kFloat).const_data_ptr<float>();
}

}  // namespace

ArenaMeter::ArenaMeter(const std::vector<ParamSpec>& params, const std::vector<ArenaRange>& mine,
                       dist::Communicator& workers)
    : num_params_(params.size()), workers_(workers) {
  const auto is_mine = [&](int64_t place) {
    const auto behind = std::ranges::upper_bound(mine, place, {}, &ArenaRange::begin);
    return behind != mine.begin() && place < std::prev(behind)->end;
  };
  std::vector<ArenaRange> ranges;
  for (const ParamSpec& param : params) {
    ranges.push_back({param.offset, param.offset + param.count()});
    if (param.role != ParameterRole::kGate) continue;
    gates_.push_back(param.offset);
    gate_is_mine_.push_back(is_mine(param.offset));
  }
  for (const kernels::RangeBlock& block : kernels::blocks_of(ranges)) {
    if (is_mine(block.begin)) {
      mine_.push_back(block);
      places_.push_back(ranges_.size());
    }
    ranges_.push_back(block.range);
  }
  squares_.resize(mine_.size());
  exchanged_ = at::zeros({static_cast<int64_t>(ranges_.size() + gates_.size())}, at::kFloat);
}

ArenaMeasure ArenaMeter::measure(const at::Tensor& arena) {
  kernels::sums_of_squares(arena, mine_, squares_.data());
  exchanged_.zero_();
  auto* values = exchanged_.mutable_data_ptr<float>();
  for (size_t i = 0; i < places_.size(); ++i) values[places_[i]] = squares_[i];
  for (size_t i = 0; i < gates_.size(); ++i) {
    if (gate_is_mine_[i]) values[ranges_.size() + i] = value_at(arena, gates_[i]);
  }
  workers_.all_reduce(exchanged_, dist::SumOrder::kFast)->wait();  // of one value and noughts: exact in any order
  ArenaMeasure measure{.squares = std::vector<double>(num_params_, 0.0), .gates = {}};
  for (size_t block = 0; block < ranges_.size(); ++block) {
    measure.squares[ranges_[block]] += static_cast<double>(values[block]);
  }
  for (size_t i = 0; i < gates_.size(); ++i) {
    measure.gates.push_back(static_cast<double>(values[ranges_.size() + i]));
  }
  return measure;
}

}  // namespace strata::optim
