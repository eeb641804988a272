#include "cuda_on_host/emulator/block.h"

#include <algorithm>
#include <bit>
#include <cstring>

constinit thread_local uint3 threadIdx;
constinit thread_local uint3 blockIdx;
constinit thread_local dim3 blockDim;
constinit thread_local dim3 gridDim;

namespace strata::test::emulated {
namespace {

thread_local Block* current_block = nullptr;

std::string name(const uint3& index) {
  return "(" + std::to_string(index.x) + "," + std::to_string(index.y) + "," + std::to_string(index.z) + ")";
}

uint3 index_of(int thread, dim3 block) {
  const auto t = static_cast<unsigned>(thread);
  return {t % block.x, t / block.x % block.y, t / block.x / block.y};
}

}  // namespace

Block::Block(const std::function<void()>& kernel, dim3 block, const DynamicShared& shared)
    : kernel_(kernel),
      emulation_(EmulationScope::current()),
      shared_(shared, emulation_),
      threads_(block.x * block.y * block.z),
      states_(threads_.size()),
      warps_(threads_.size() / kWarp),
      random_(static_cast<uint32_t>(emulation_.seed)) {
  for (size_t t = 0; t < threads_.size(); ++t) threads_[t].index = index_of(static_cast<int>(t), block);
}

Block& Block::current() { return *current_block; }

void Block::run(uint3 index) {
  thread_local FiberPool pool(&Block::run_thread);
  for (size_t t = 0; t < threads_.size(); ++t) threads_[t].fiber = &pool.get(emulation_.stack_switch, t);
  blockIdx = index;
  shared_.renew();
  states_.assign(states_.size(), kReady);
  running_ = -1;
  returned_ = 0;
  ++epoch_;
  current_block = this;
  try {
    run_threads();
  } catch (...) {
    pool.drop();
    throw;
  }
}

void Block::run_threads() {
  while (returned_ < static_cast<int>(threads_.size())) {
    running_ = next_ready();
    if (running_ < 0) throw EmulationError(stuck());
    threadIdx = threads_[running_].index;
    threads_[running_].fiber->enter();
    if (failure_) std::rethrow_exception(failure_);
  }
}

void Block::run_thread() {
  Block& block = *current_block;
  try {
    block.kernel_();
    block.states_[block.running_] = kReturned;
    ++block.returned_;
  } catch (...) {
    block.failure_ = std::current_exception();
  }
}

// The next in the order, from the one that ran last; -1 where all wait.
int Block::next_ready() {
  const int count = static_cast<int>(threads_.size());
  int begin = 0;
  switch (emulation_.order) {
    case ThreadOrder::kGreedy:
      if (running_ >= 0 && states_[running_] == kReady) return running_;
      break;
    case ThreadOrder::kForward:
      begin = running_ + 1;
      break;
    case ThreadOrder::kReverse:
      begin = running_ < 0 ? count : running_;
      break;
    case ThreadOrder::kRandom:
      begin = static_cast<int>(random_() % threads_.size());
      break;
  }
  if (emulation_.order == ThreadOrder::kReverse) {
    const int below = ready_between(0, begin, true);
    return below >= 0 ? below : ready_between(begin, count, true);
  }
  const int above = ready_between(begin, count, false);
  return above >= 0 ? above : ready_between(0, begin, false);
}

int Block::ready_between(int begin, int end, bool from_end) const {
  const auto bytes = static_cast<size_t>(end - begin);
  const char* first = states_.data();
  const void* found = from_end ? memrchr(first + begin, kReady, bytes) : std::memchr(first + begin, kReady, bytes);
  return found == nullptr ? -1 : static_cast<int>(static_cast<const char*>(found) - first);
}

void Block::wait_for_block(const Site& site) {
  Thread& thread = threads_[running_];
  thread.call.site = site;
  states_[running_] = kAtBarrier;
  if (++at_barrier_ == static_cast<int>(threads_.size())) release_block();
  thread.fiber->leave();
}

void Block::release_block() {
  const Site& site = threads_[running_].call.site;
  for (size_t t = 0; t < threads_.size(); ++t) {
    if (threads_[t].call.site == site) continue;
    fail("barrier divergence: waits at __syncthreads (" + site.name() + "), while " + name(static_cast<int>(t)) + " " +
         what_does(static_cast<int>(t)));
  }
  states_.assign(states_.size(), kReady);
  at_barrier_ = 0;
  ++epoch_;
}

uint64_t Block::wait_for_warp(const WarpCall& call, uint64_t bits) {
  const int first_lane = running_ / kWarp * kWarp;
  const uint32_t lane_bit = 1U << (running_ - first_lane);
  if ((call.mask & lane_bit) == 0) fail(call.name() + ": its own lane is not in the mask");
  if (call.width < 1 || call.width > kWarp || !std::has_single_bit(static_cast<unsigned>(call.width))) {
    fail(call.name() + ": the width is not a power of two up to 32");
  }
  Thread& thread = threads_[running_];
  thread.call = call;
  thread.bits = bits;
  states_[running_] = kInWarp;
  Warp& warp = warps_[running_ / kWarp];
  warp.waiting |= lane_bit;
  if ((warp.waiting & call.mask) == call.mask) release_warp(first_lane, call);
  thread.fiber->leave();
  return thread.bits;
}

void Block::release_warp(int first_lane, const WarpCall& call) {
  uint64_t answers[kWarp];
  for (uint32_t rest = call.mask; rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    if (!threads_[first_lane + lane].call.meets(call)) {
      fail(call.name() + ": " + name(first_lane + lane) + " " + what_does(first_lane + lane));
    }
    answers[lane] = answer(first_lane, call, lane);
  }
  for (uint32_t rest = call.mask; rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    threads_[first_lane + lane].bits = answers[lane];
    states_[first_lane + lane] = kReady;
  }
  Warp& warp = warps_[first_lane / kWarp];
  warp.waiting &= ~call.mask;
  if (call.operation == WarpOperation::kSync && call.mask == 0xFFFFFFFF) ++warp.epoch;
}

uint64_t Block::answer(int first_lane, const WarpCall& call, int lane) const {
  if (call.operation == WarpOperation::kSync) return 0;
  if (call.operation <= WarpOperation::kShuffleDown) {
    const int source = threads_[first_lane + lane].call.source(lane);
    if ((call.mask >> source & 1) == 0) {
      fail(call.name() + ": lane " + std::to_string(lane) + " takes from lane " + std::to_string(source) +
           ", which is not in the mask");
    }
    return threads_[first_lane + source].bits;
  }
  uint32_t votes = 0;
  for (int other = 0; other < kWarp; ++other) {
    if ((call.mask >> other & 1) != 0 && threads_[first_lane + other].bits != 0) votes |= 1U << other;
  }
  if (call.operation == WarpOperation::kBallot) return votes;
  return call.operation == WarpOperation::kAny ? votes != 0 : votes == call.mask;
}

// Why nobody can go on: someone waits in a warp, or at a barrier, for another who is elsewhere.
std::string Block::stuck() const {
  const std::string block = "block " + emulated::name(blockIdx) + ", ";
  const int count = static_cast<int>(threads_.size());
  for (int t = 0; t < count; ++t) {
    if (states_[t] != kInWarp) continue;
    const int first_lane = t / kWarp * kWarp;
    const uint32_t missing = threads_[t].call.mask & ~warps_[t / kWarp].waiting;
    if (missing == 0) continue;  // waits for one that waits for another
    const int other = first_lane + std::countr_zero(missing);
    return block + name(t) + ": " + what_does(t) + ", while " + name(other) + " of its mask " + what_does(other);
  }
  const int waiting = static_cast<int>(std::find(states_.begin(), states_.end(), kAtBarrier) - states_.begin());
  int other = 0;
  while (states_[other] == kAtBarrier) ++other;
  return block + name(waiting) + ": barrier divergence: " + what_does(waiting) + ", while " + name(other) + " " +
         what_does(other);
}

std::string Block::what_does(int thread) const {
  switch (states_[thread]) {
    case kReturned:
      return "has returned";
    case kAtBarrier:
      return "waits at __syncthreads (" + threads_[thread].call.site.name() + ")";
    default:
      return "waits at " + threads_[thread].call.name();
  }
}

std::string Block::name(int thread) const { return "thread " + emulated::name(threads_[thread].index); }

void fail(const std::string& what) {
  throw EmulationError("block " + name(blockIdx) + ", thread " + name(threadIdx) + ": " + what);
}

}  // namespace strata::test::emulated
