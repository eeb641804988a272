// Lion: one pass over what it updates.
#include "kernels/lion.inl"

#include "arena_update.cuh"

namespace strata::kernels::cuda {

void CudaKernels::update(const ArenaPointers<float, LionRule::kStates>& arrays, const LionRule& rule, bool stochastic,
                         const double* factor, const double* apply) const {
  launch_update(rule, arrays, stochastic, factor, apply, stream());
}

void CudaKernels::update(const ArenaPointers<Bf16, LionRule::kStates>& arrays, const LionRule& rule, bool stochastic,
                         const double* factor, const double* apply) const {
  launch_update(rule, arrays, stochastic, factor, apply, stream());
}

}  // namespace strata::kernels::cuda
