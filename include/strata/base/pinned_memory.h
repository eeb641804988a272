#pragma once

#include <ATen/core/Tensor.h>

namespace strata {

/// How pages of the host's memory are kept in place for a device, and let go again: cudaHostRegister and its opposite.
/// Who opens a device sets them.
struct PageLocks {
  void (*lock)(void* begin, size_t bytes);
  void (*unlock)(void* begin);
};
void use_page_locks(const PageLocks& locks);

/// Memory of the host which a device copies to and from without a wait, not zeroed. It takes whole pages and no more:
/// ATen's own allocator of such memory rounds up to a power of two, which nearly doubles what checkpoints are written
/// from.
at::Tensor pinned_memory(at::IntArrayRef shape, at::ScalarType dtype);

}  // namespace strata
