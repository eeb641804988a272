#include "strata/kernels/swiglu.h"

#include "cpu_executor.h"
#include "swiglu.inl"
#include "tensor_access.h"

namespace strata::kernels {

void swiglu(const at::Tensor& out_NF, const at::Tensor& gate_up_N2F) {
  const int64_t width = out_NF.size(1);
  if (const DeviceKernels* device = device_kernels(out_NF)) {
    return device->swiglu(array(out_NF), array(gate_up_N2F), out_NF.size(0), width);
  }
  with_storage_type(out_NF, [&](auto type) {
    using T = decltype(type);
    parallel_rows(out_NF.size(0), 16, [&, in = pointer<T>(gate_up_N2F), out = pointer<T>(out_NF)](int64_t n) {
      const T* gate = in + n * 2 * width;
      swiglu_row(CpuExecutor{}, gate, gate + width, out + n * width, width);
    });
  });
}

void swiglu_backward_in_place(const at::Tensor& gate_up_N2F, const at::Tensor& grad_out_NF) {
  const int64_t width = grad_out_NF.size(1);
  if (const DeviceKernels* device = device_kernels(grad_out_NF)) {
    return device->swiglu_backward(array(gate_up_N2F), array(grad_out_NF), grad_out_NF.size(0), width);
  }
  with_storage_type(grad_out_NF, [&](auto type) {
    using T = decltype(type);
    parallel_rows(grad_out_NF.size(0), 16, [&, in = pointer<T>(gate_up_N2F), out = pointer<T>(grad_out_NF)](int64_t n) {
      T* gate = in + n * 2 * width;
      swiglu_backward_row(CpuExecutor{}, gate, gate + width, out + n * width, width);
    });
  });
}

}  // namespace strata::kernels
