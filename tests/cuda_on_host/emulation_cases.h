// Every way in which an emulated launch can run.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "cuda_on_host/emulator/emulation.h"

namespace strata::test {

/// All thread orders, random ones from three seeds, with each way to switch stacks.
inline std::vector<Emulation> all_emulations() {
  std::vector<Emulation> all;
  for (const StackSwitch stack_switch : {StackSwitch::kFastest, StackSwitch::kUcontext}) {
    for (const ThreadOrder order : kThreadOrders) {
      for (uint64_t seed = 1; seed <= (order == ThreadOrder::kRandom ? 3 : 1); ++seed) {
        all.push_back({.order = order, .seed = seed, .stack_switch = stack_switch});
      }
    }
  }
  return all;
}

inline std::string name_of(const Emulation& emulation) {
  static constexpr const char* kOrders[] = {"Forward", "Reverse", "Random", "Greedy"};
  return kOrders[static_cast<int>(emulation.order)] + std::to_string(emulation.seed) +
         (emulation.stack_switch == StackSwitch::kUcontext ? "Ucontext" : "Fastest");
}

inline void PrintTo(const Emulation& emulation, std::ostream* stream) { *stream << name_of(emulation); }

/// What the EmulationError says that `action` throws.
inline std::string emulation_error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const EmulationError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace strata::test
