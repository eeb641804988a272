#include "strata/kernels/clip.h"

#include "clip.inl"
#include "tensor_access.h"

namespace strata::kernels {

void clip(const at::Tensor& outcome, const ClipRule& rule, const at::Tensor& loss, const at::Tensor& squares_P,
          const at::Tensor& is_gate_P) {
  const auto* squares = pointer<double>(squares_P);
  const auto* is_gate = pointer<bool>(is_gate_P);
  if (const DeviceKernels* device = device_kernels(squares_P)) {
    return device->clip(pointer<double>(outcome), rule, pointer<double>(loss), squares, is_gate, squares_P.numel());
  }
  double all = 0.0, gates = 0.0;
  for (int64_t p = 0; p < squares_P.numel(); ++p) {
    all += squares[p];
    if (is_gate[p]) gates += squares[p];
  }
  decide(rule, *pointer<double>(loss), all, gates, pointer<double>(outcome));
}

}  // namespace strata::kernels
