#include "nn/branch_scales.h"

#include <ATen/ops/empty.h>

#include <algorithm>

namespace strata::nn {

BranchScales::BranchScales(const norm::Wiring& wiring, Allocator& allocator) {
  for (const norm::WiredJunction& junction : wiring.after) ramps_.push_back(junction.rule.branch_scale);
  if (std::ranges::all_of(ramps_, &norm::Ramp::is_one)) return;
  values_ = allocator.zeros(MemoryClass::kWorkspace, "branch scales", {std::ssize(ramps_)}, at::kFloat);
}

at::Tensor BranchScales::after(int64_t branch) const {
  const bool is_one = !values_.defined() || ramps_[static_cast<size_t>(branch)].is_one();
  return is_one ? at::Tensor() : values_.select(0, branch);
}

void BranchScales::set_update(int64_t update, const at::Tensor& by_way_of) {
  if (!values_.defined() || values_.is_meta()) return;
  std::vector<float> now;
  for (const norm::Ramp& ramp : ramps_) now.push_back(static_cast<float>(ramp.at(update)));
  if (now == sent_) return;
  const at::Tensor on_host = by_way_of.defined() ? by_way_of : at::empty({std::ssize(now)}, at::kFloat);
  std::ranges::copy(now, on_host.mutable_data_ptr<float>());
  values_.copy_(on_host, by_way_of.defined());
  sent_ = std::move(now);
}

}  // namespace strata::nn
