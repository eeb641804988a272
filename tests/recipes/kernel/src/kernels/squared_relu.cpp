#include "strata/kernels/squared_relu.h"

#include "cpu_executor.h"
#include "squared_relu.inl"
#include "tensor_access.h"

namespace strata::kernels {

void squared_relu(const at::Tensor& out_NF, const at::Tensor& x_NF) {
  const int64_t rows = out_NF.size(0), width = out_NF.size(1);
  if (const DeviceKernels* device = device_kernels(out_NF)) {
    return device->squared_relu(array(out_NF), array(x_NF), rows, width);
  }
  with_storage_type(out_NF, [&](auto type) {
    using T = decltype(type);
    parallel_rows(rows, 16, [&, out = pointer<T>(out_NF), x = pointer<T>(x_NF)](int64_t n) {
      squared_relu_row(CpuExecutor{}, out + n * width, x + n * width, width);
    });
  });
}

void squared_relu_backward_in_place(const at::Tensor& grad_NF, const at::Tensor& x_NF) {
  const int64_t rows = grad_NF.size(0), width = grad_NF.size(1);
  if (const DeviceKernels* device = device_kernels(grad_NF)) {
    return device->squared_relu_backward(array(grad_NF), array(x_NF), rows, width);
  }
  with_storage_type(grad_NF, [&](auto type) {
    using T = decltype(type);
    parallel_rows(rows, 16, [&, grad = pointer<T>(grad_NF), x = pointer<T>(x_NF)](int64_t n) {
      squared_relu_backward_row(CpuExecutor{}, grad + n * width, x + n * width, width);
    });
  });
}

}  // namespace strata::kernels
