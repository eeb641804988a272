// Functions on stacks of their own.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "cuda_on_host/emulator/emulation.h"

namespace strata::test::emulated {

/// Runs a function over and over on a stack of its own; the function can be left in the middle and entered again.
/// Belongs to one host thread. Destroying a fiber that was left in the middle destroys nothing on its stack.
class Fiber {
 public:
  Fiber(StackSwitch kind, void (*body)());
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// From outside: runs the body from where it was left until it leaves again or ends.
  void enter();
  /// From inside: back to who entered.
  void leave();

 private:
  struct Contexts;  // of ucontext

  static void main();
  void start();
  void switch_stacks(bool inward);

  const StackSwitch kind_;
  void (*const body_)();
  char* stack_ = nullptr;  // a guard page, then kStackBytes
  void* inside_ = nullptr;
  void* outside_ = nullptr;  // stack pointers
  std::unique_ptr<Contexts> contexts_;

  // For sanitizers.
  void* fake_inside_ = nullptr;
  void* fake_outside_ = nullptr;
  const void* outside_stack_ = nullptr;
  size_t outside_bytes_ = 0;
  void* tsan_inside_ = nullptr;
  void* tsan_outside_ = nullptr;
};

/// Fibers with one body, made as they are needed and used again.
class FiberPool {
 public:
  explicit FiberPool(void (*body)()) : body_(body) {}

  Fiber& get(StackSwitch kind, size_t index);
  /// Forgets all of them, wherever they are in their bodies.
  void drop() { fibers_.clear(); }

 private:
  void (*body_)();
  StackSwitch kind_ = StackSwitch::kFastest;
  std::vector<std::unique_ptr<Fiber>> fibers_;
};

}  // namespace strata::test::emulated
