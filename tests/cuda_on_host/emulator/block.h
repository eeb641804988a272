// A block whose threads are fibers: who runs, who waits for whom, and what is wrong if nobody can go on.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "cuda_on_host/emulator/emulation.h"
#include "cuda_on_host/emulator/fiber.h"
#include "cuda_on_host/emulator/shared_memory.h"
#include "cuda_on_host/emulator/warp_call.h"
#include "cuda_on_host/emulator/words.h"

namespace strata::test::emulated {

class Block {
 public:
  Block(const std::function<void()>& kernel, dim3 block, const DynamicShared& shared);

  /// Runs the kernel for every thread of the block; throws what a thread has thrown.
  void run(uint3 index);

  /// Whose thread runs now on this host thread.
  static Block& current();

  int thread() const { return running_; }
  /// Grows with every __syncthreads that all have passed, and from block to block.
  uint32_t epoch() const { return epoch_; }
  /// Grows with every __syncwarp that all lanes of the running thread's warp have passed.
  uint32_t warp_epoch() const { return warps_[running_ / kWarp].epoch; }
  SharedMemory& shared() { return shared_; }
  /// "thread (5,0,0)"
  std::string name(int thread) const;

  /// What the running thread calls; they return when all who have to have called.
  void wait_for_block(const Site& site);
  uint64_t wait_for_warp(const WarpCall& call, uint64_t bits);

  static constexpr int kWarp = 32;

 private:
  enum State : char { kReady, kAtBarrier, kInWarp, kReturned };

  struct Thread {
    uint3 index;
    Fiber* fiber = nullptr;
    WarpCall call;      // kAtBarrier uses its site only
    uint64_t bits = 0;  // given by the thread, then the answer
  };
  struct Warp {
    uint32_t waiting = 0;  // lanes that are kInWarp
    uint32_t epoch = 0;
  };

  static void run_thread();
  void run_threads();
  int next_ready();
  int ready_between(int begin, int end, bool from_end) const;

  void release_block();
  void release_warp(int first_lane, const WarpCall& call);
  uint64_t answer(int first_lane, const WarpCall& call, int lane) const;

  std::string stuck() const;
  std::string what_does(int thread) const;

  const std::function<void()>& kernel_;
  const Emulation emulation_;
  SharedMemory shared_;
  std::vector<Thread> threads_;
  std::vector<char> states_;
  std::vector<Warp> warps_;
  std::minstd_rand random_;
  std::exception_ptr failure_;
  int running_ = 0;
  int at_barrier_ = 0;
  int returned_ = 0;
  uint32_t epoch_ = 0;
};

/// Throws an EmulationError that begins with the running thread's block and index.
[[noreturn]] void fail(const std::string& what);

}  // namespace strata::test::emulated
