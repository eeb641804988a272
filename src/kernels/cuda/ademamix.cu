// AdEMAMix: one pass over what it updates.
#include "kernels/ademamix.inl"

#include "arena_update.cuh"

namespace strata::kernels::cuda {

void CudaKernels::update(const ArenaPointers<float, AdemamixRule::kStates>& arrays, const AdemamixRule& rule,
                         bool stochastic, const double* factor, const double* apply) const {
  launch_update(rule, arrays, stochastic, factor, apply, stream());
}

void CudaKernels::update(const ArenaPointers<Bf16, AdemamixRule::kStates>& arrays, const AdemamixRule& rule,
                         bool stochastic, const double* factor, const double* apply) const {
  launch_update(rule, arrays, stochastic, factor, apply, stream());
}

}  // namespace strata::kernels::cuda
