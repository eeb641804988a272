#include "strata/kernels/gate.h"

#include "gate.inl"
#include "tensor_access.h"

namespace strata::kernels {

void gate_factors(const at::Tensor& alpha_G, GateActivation activation, const at::Tensor& factor_G,
                  const at::Tensor& slope_G) {
  if (const DeviceKernels* device = device_kernels(alpha_G)) {
    return device->gate_factors(array(alpha_G), alpha_G.numel(), activation, pointer<float>(factor_G),
                                pointer<float>(slope_G));
  }
  with_storage_type(alpha_G, [&](auto type) {
    const auto* alpha = pointer<decltype(type)>(alpha_G);
    for (int64_t g = 0; g < alpha_G.numel(); ++g) {
      const GateValue value = gate_value(activation, widen(alpha[g]));
      pointer<float>(factor_G)[g] = 1.0F - value.activation;
      pointer<float>(slope_G)[g] = value.slope;
    }
  });
}

}  // namespace strata::kernels
