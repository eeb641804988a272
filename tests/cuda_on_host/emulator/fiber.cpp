#include "cuda_on_host/emulator/fiber.h"

#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdlib>
#include <system_error>

#include "cuda_on_host/emulator/sanitizers.h"

#if defined(__x86_64__)
// Keeps on the old stack what a callee has to preserve, and takes the same from the new one.
extern "C" void strata_switch_stacks(void** old_pointer, void* new_pointer);
asm(R"(
  .text
  .globl strata_switch_stacks
  .hidden strata_switch_stacks
  .type strata_switch_stacks, @function
strata_switch_stacks:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size strata_switch_stacks, .-strata_switch_stacks
)");
#endif

namespace strata::test::emulated {
namespace {

constexpr size_t kStackBytes = sanitizers::kAddress ? 256 << 10 : 64 << 10;

size_t page_bytes() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

thread_local Fiber* entered = nullptr;

}  // namespace

struct Fiber::Contexts {
  ucontext_t inside, outside;
};

Fiber::Fiber(StackSwitch kind, void (*body)()) : kind_(kind), body_(body) {
  void* memory = mmap(nullptr, page_bytes() + kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "no memory for a fiber's stack");
  mprotect(memory, page_bytes(), PROT_NONE);
  stack_ = static_cast<char*>(memory) + page_bytes();
  tsan_inside_ = sanitizers::create_fiber();
  start();
}

Fiber::~Fiber() {
  sanitizers::destroy_fiber(tsan_inside_);
  sanitizers::unpoison(stack_, kStackBytes);
  munmap(stack_ - page_bytes(), page_bytes() + kStackBytes);
}

void Fiber::start() {
#if defined(__x86_64__)
  if (kind_ == StackSwitch::kAssembly) {
    // As strata_switch_stacks left it: six registers, and where to return to. main() finds the stack pointer as after
    // a call from a frame that is aligned to 16.
    void** top = reinterpret_cast<void**>(stack_ + kStackBytes);
    top[-2] = reinterpret_cast<void*>(&Fiber::main);
    inside_ = top - 8;
    return;
  }
#endif
  contexts_ = std::make_unique<Contexts>();
  getcontext(&contexts_->inside);
  contexts_->inside.uc_stack.ss_sp = stack_;
  contexts_->inside.uc_stack.ss_size = kStackBytes;
  contexts_->inside.uc_link = nullptr;
  makecontext(&contexts_->inside, &Fiber::main, 0);
}

void Fiber::main() {
  Fiber& self = *entered;
  sanitizers::finish_switch(nullptr, &self.outside_stack_, &self.outside_bytes_);
  for (;;) {
    self.body_();
    self.leave();
  }
}

void Fiber::enter() {
  entered = this;
  tsan_outside_ = sanitizers::current_fiber();
  sanitizers::start_switch(&fake_outside_, stack_, kStackBytes);
  sanitizers::switch_to_fiber(tsan_inside_);
  switch_stacks(true);
  sanitizers::finish_switch(fake_outside_, nullptr, nullptr);
}

void Fiber::leave() {
  sanitizers::start_switch(&fake_inside_, outside_stack_, outside_bytes_);
  sanitizers::switch_to_fiber(tsan_outside_);
  switch_stacks(false);
  sanitizers::finish_switch(fake_inside_, &outside_stack_, &outside_bytes_);
}

void Fiber::switch_stacks(bool inward) {
#if defined(__x86_64__)
  if (kind_ == StackSwitch::kAssembly) {
    if (inward) {
      strata_switch_stacks(&outside_, inside_);
    } else {
      strata_switch_stacks(&inside_, outside_);
    }
    return;
  }
#endif
  if (inward) {
    swapcontext(&contexts_->outside, &contexts_->inside);
  } else {
    swapcontext(&contexts_->inside, &contexts_->outside);
  }
}

Fiber& FiberPool::get(StackSwitch kind, size_t index) {
  if (kind != kind_) drop();
  kind_ = kind;
  while (fibers_.size() <= index) fibers_.push_back(std::make_unique<Fiber>(kind, body_));
  return *fibers_[index];
}

}  // namespace strata::test::emulated
