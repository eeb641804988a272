// Adam: one pass over what it updates.
#include "kernels/adam.inl"

#include "arena_update.cuh"

namespace strata::kernels::cuda {

void CudaKernels::update(const ArenaPointers<float, AdamRule::kStates>& arrays, const AdamRule& rule, bool stochastic,
                         const double* factor, const double* apply) const {
  launch_update(rule, arrays, stochastic, factor, apply, stream());
}

void CudaKernels::update(const ArenaPointers<Bf16, AdamRule::kStates>& arrays, const AdamRule& rule, bool stochastic,
                         const double* factor, const double* apply) const {
  launch_update(rule, arrays, stochastic, factor, apply, stream());
}

}  // namespace strata::kernels::cuda
