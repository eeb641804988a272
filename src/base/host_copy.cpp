#include "strata/base/host_copy.h"

#include <ATen/ops/empty.h>

namespace strata {

at::Tensor host_memory_like(const at::Tensor& on_device) {
  return at::empty(on_device.sizes(), on_device.options().device(at::kCPU).pinned_memory(!on_device.is_cpu()));
}

HostCopy::HostCopy(const at::Tensor& like) : copy_(host_memory_like(like)) {
  if (!like.is_cpu()) arrived_.emplace(like.device().type());
}

void HostCopy::start(const at::Tensor& from) {
  copy_.copy_(from, true);
  if (arrived_) arrived_->record(c10::impl::VirtualGuardImpl(from.device().type()).getStream(from.device()));
}

const at::Tensor& HostCopy::wait() const {
  if (arrived_) arrived_->synchronize();
  return copy_;
}

}  // namespace strata
