#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

namespace strata::kernels {

class DeviceKernels;  // src/kernels/device_kernels.h

/// From now on tensors on devices of this type are computed by these kernels; nullptr: no longer.
void use_device_kernels(at::DeviceType type, std::shared_ptr<const DeviceKernels> kernels);

bool has_device_kernels(at::DeviceType type);

/// What use_device_kernels was given.
std::shared_ptr<const DeviceKernels> device_kernels_for(at::DeviceType type);

/// What computes on the tensor's device; nullptr: the CPU executor. Throws Error for a device without kernels.
const DeviceKernels* device_kernels(const at::Tensor& tensor);

}  // namespace strata::kernels
