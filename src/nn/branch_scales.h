#pragma once

#include <vector>

#include "strata/base/allocator.h"
#include "strata/norm/wiring.h"

namespace strata::nn {

/// What multiplies the branches of a model, where the model computes: one number for each junction after a branch, as
/// the scheme's ramps say for an update. A recorded graph reads what is there when it is replayed.
class BranchScales {
 public:
  /// Takes memory only where a scale is not 1. The allocator is only used here.
  BranchScales(const norm::Wiring& wiring, Allocator& allocator);

  /// Of the junction after this branch, fp32 []; undefined: it is 1.
  at::Tensor after(int64_t branch) const;
  /// All of them, fp32; undefined: all are 1.
  const at::Tensor& values() const { return values_; }

  /// As in this update, from 0. by_way_of: memory of the host like values() that stays as it is until the device has
  /// read it; undefined: the device is waited for.
  void set_update(int64_t update, const at::Tensor& by_way_of);

 private:
  std::vector<norm::Ramp> ramps_;
  at::Tensor values_;
  std::vector<float> sent_;
};

}  // namespace strata::nn
