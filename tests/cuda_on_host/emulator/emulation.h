// How emulated launches run, and what they throw.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace strata::test {

/// What a launch found wrong with its kernel, in one line.
class EmulationError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// In which order the threads of a block run from one place where they wait to the next; blocks come in the same order.
enum class ThreadOrder {
  kForward,
  kReverse,
  kRandom,
  kGreedy,  // each thread as far as it gets: warps run ahead of each other, and who was last goes on first
};
inline constexpr ThreadOrder kThreadOrders[] = {ThreadOrder::kForward, ThreadOrder::kReverse, ThreadOrder::kRandom,
                                                ThreadOrder::kGreedy};

enum class StackSwitch {
  kUcontext,
#if defined(__x86_64__)
  kAssembly,
  kFastest = kAssembly,
#else
  kFastest = kUcontext,
#endif
};

struct Emulation {
  ThreadOrder order = ThreadOrder::kForward;
  uint64_t seed = 1;         // of kRandom
  bool check_shared = true;  // races on shared memory and reads before the first write; bounds are always checked
  StackSwitch stack_switch = StackSwitch::kFastest;
  size_t shared_limit = 227 << 10;  // bytes of a block
};

/// Launches of this host thread run so until the end of the scope.
class EmulationScope {
 public:
  explicit EmulationScope(const Emulation& emulation);
  ~EmulationScope();
  EmulationScope(const EmulationScope&) = delete;
  EmulationScope& operator=(const EmulationScope&) = delete;

  static const Emulation& current();

 private:
  Emulation outer_;
};

}  // namespace strata::test
