#include "device_kernels.h"

#include <array>

#include "strata/base/check.h"
#include "strata/kernels/device.h"

namespace strata::kernels {
namespace {

using Table = std::array<std::shared_ptr<const DeviceKernels>, at::COMPILE_TIME_MAX_DEVICE_TYPES>;

// Filled at the start of a program, read from many threads after it.
Table& table() {
  static Table kernels;
  return kernels;
}

}  // namespace

void use_device_kernels(at::DeviceType type, std::shared_ptr<const DeviceKernels> kernels) {
  table().at(static_cast<size_t>(type)) = std::move(kernels);
}

bool has_device_kernels(at::DeviceType type) { return device_kernels_for(type) != nullptr; }

std::shared_ptr<const DeviceKernels> device_kernels_for(at::DeviceType type) {
  return table().at(static_cast<size_t>(type));
}

const DeviceKernels* device_kernels(const at::Tensor& tensor) {
  const at::DeviceType type = tensor.device().type();
  const DeviceKernels* kernels = table()[static_cast<size_t>(type)].get();
  STRATA_CHECK(kernels != nullptr || type == at::kCPU, "there are no kernels for tensors on ", tensor.device());
  return kernels;
}

}  // namespace strata::kernels
