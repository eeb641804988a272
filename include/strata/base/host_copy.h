#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Event.h>

#include <optional>

namespace strata {

/// A copy in the host's memory of what a tensor on a device holds at some point of the current stream. On the CPU it is
/// made at once.
class HostCopy {
 public:
  /// Takes memory for copies of tensors like this one.
  explicit HostCopy(const at::Tensor& like);

  /// Asks for a copy behind what the stream holds, and returns. What was copied before is lost.
  void start(const at::Tensor& from);
  /// Returns when the copy is there.
  const at::Tensor& wait() const;

 private:
  at::Tensor copy_;
  std::optional<c10::Event> arrived_;
};

/// Memory of the host for tensors like this one, which is copied to and from its device without a wait.
at::Tensor host_memory_like(const at::Tensor& on_device);

}  // namespace strata
