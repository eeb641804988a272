// An update by a rule: from tensors to the device's kernel or the CPU's threads.
#pragma once

#include <array>

#include "arena_update.inl"
#include "cpu_executor.h"
#include "strata/kernels/update.h"
#include "tensor_access.h"

namespace strata::kernels {

/// All flat, contiguous and equally long; of one dtype, fp32 or bf16.
template <int kStates>
struct ArenaTensors {
  at::Tensor value, gradient;
  std::array<at::Tensor, kStates> states;
  at::Tensor copy;  // bf16; undefined: none
};

/// The rule's gradient_scale and key are filled in.
template <class Rule>
void update_arena(const ArenaTensors<Rule::kStates>& tensors, Rule rule, const UpdateChance& chance,
                  const UpdateScale& scale) {
  const auto* factor = pointer<double>(scale.factor);
  const auto* apply = pointer<double>(scale.apply);
  rule.key = chance.random_key;
  with_storage_type(tensors.value, [&](auto type) {
    using T = decltype(type);
    ArenaPointers<T, Rule::kStates> all{.first = chance.first,
                                        .count = tensors.value.numel(),
                                        .value = pointer<T>(tensors.value),
                                        .gradient = pointer<T>(tensors.gradient),
                                        .state = {},
                                        .copy = pointer<Bf16>(tensors.copy)};
    for (size_t k = 0; k < tensors.states.size(); ++k) all.state[k] = pointer<T>(tensors.states[k]);
    if (const DeviceKernels* device = device_kernels(tensors.value)) {
      return device->update(all, rule, chance.stochastic, factor, apply);
    }
    if (*apply == 0.0) return;
    rule.gradient_scale = static_cast<float>(*factor);
    with_flag(chance.stochastic, [&](auto stochastic) {
      parallel_parts(all.count, [&](int64_t begin, int64_t count) {
        update_range<decltype(stochastic)::value>(CpuExecutor{}, rule, part_of(all, begin, count));
      });
    });
  });
}

}  // namespace strata::kernels
