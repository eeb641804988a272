#include "strata/optim/arena_meter.h"

#include <ATen/ops/tensor.h>

#include <algorithm>

#include "strata/kernels/sums.h"

namespace strata::optim {
namespace {

// Tells where an element of the arena is in the ranges, end to end or not; -1: nowhere.
auto places_in(const std::vector<ArenaRange>& ranges, bool end_to_end) {
  std::vector<int64_t> begins;  // of the ranges, in what is measured
  int64_t end = 0;
  for (const ArenaRange& range : ranges) {
    begins.push_back(end_to_end ? end : range.begin);
    end += range.size();
  }
  return [&ranges, begins](int64_t element) -> int64_t {
    const auto behind = std::ranges::upper_bound(ranges, element, {}, &ArenaRange::begin);
    if (behind == ranges.begin() || element >= std::prev(behind)->end) return -1;
    const auto range = std::prev(behind);
    return begins[static_cast<size_t>(range - ranges.begin())] + element - range->begin;
  };
}

at::Tensor on_device(Allocator& allocator, const char* name, const std::vector<int64_t>& values, at::ScalarType dtype) {
  const at::Tensor table = allocator.zeros(MemoryClass::kWorkspace, name, {static_cast<int64_t>(values.size())}, dtype);
  if (!allocator.is_planning()) table.copy_(at::tensor(values, at::kLong));
  return table;
}

}  // namespace

ArenaMeter::ArenaMeter(const std::vector<ParamSpec>& params, const std::vector<ArenaRange>& mine, bool end_to_end,
                       workers::Communicator& workers, Allocator& allocator)
    : num_params_(static_cast<int64_t>(params.size())), workers_(workers) {
  const auto place_of_element = places_in(mine, end_to_end);
  std::vector<int64_t> blocks, starts{0}, gates, is_gate;
  for (const ParamSpec& param : params) {
    for (int64_t begin = param.offset, end = 0; begin < place_of(param).end; begin = end) {
      end = std::min((begin / kArenaBlock + 1) * kArenaBlock, place_of(param).end);
      const int64_t place = place_of_element(begin);
      blocks.insert(blocks.end(), {std::max<int64_t>(place, 0), place >= 0 ? end - begin : 0});
    }
    starts.push_back(static_cast<int64_t>(blocks.size() / 2));
    is_gate.push_back(param.role == ParameterRole::kGate ? 1 : 0);
    if (param.role == ParameterRole::kGate) gates.push_back(place_of_element(param.offset));
  }
  num_gates_ = static_cast<int64_t>(gates.size());
  blocks_B2_ = on_device(allocator, "arena blocks", blocks, at::kLong).view({-1, 2});
  starts_P1_ = on_device(allocator, "arena blocks of parameters", starts, at::kLong);
  gates_G_ = on_device(allocator, "places of gates", gates, at::kLong);
  is_gate_P_ = on_device(allocator, "which parameters are gates", is_gate, at::kBool);
  exchanged_ =
      allocator.zeros(MemoryClass::kWorkspace, "squares of arena blocks", {starts.back() + num_gates_}, at::kFloat);
}

void ArenaMeter::measure(const at::Tensor& numbers, const at::Tensor& arena) {
  const at::Tensor squares_B = exchanged_.narrow(0, 0, blocks_B2_.size(0));
  const at::Tensor values_G = exchanged_.narrow(0, blocks_B2_.size(0), num_gates_);
  kernels::sums_of_squares(squares_B, arena, blocks_B2_);
  kernels::values_at(values_G, arena, gates_G_);
  workers_.all_reduce(exchanged_, workers::SumOrder::kFast)->wait();  // of one value and noughts: exact in any order
  kernels::sums_of_runs(squares_P(numbers), squares_B, starts_P1_);
  numbers.narrow(0, num_params_, num_gates_).copy_(values_G);
}

ArenaMeasure ArenaMeter::measure_of(std::span<const double> numbers) const {
  const auto gates = numbers.begin() + num_params_;
  return {.squares = {numbers.begin(), gates}, .gates = {gates, numbers.end()}};
}

}  // namespace strata::optim
