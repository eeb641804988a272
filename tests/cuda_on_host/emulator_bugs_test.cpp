// Kernels that are wrong on purpose, and what finds each of them: barriers, shuffles, races.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "cuda_on_host/emulation_cases.h"
#include "kernels/cuda/device.cuh"

namespace strata::test {
namespace {

using kernels::cuda::launch;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr unsigned kAll = 0xFFFFFFFF;

// What every order says, with either way to switch stacks.
void expect_error(const std::function<void()>& action, const testing::Matcher<std::string>& message) {
  for (const Emulation& emulation : all_emulations()) {
    const EmulationScope scope(emulation);
    EXPECT_THAT(emulation_error_of(action), message) << name_of(emulation);
  }
}

// What comes out in all orders, with the shadow of shared memory off.
std::set<float> results(const std::function<float()>& action) {
  std::set<float> all;
  for (const Emulation& emulation : all_emulations()) {
    Emulation unchecked = emulation;
    unchecked.check_shared = false;
    const EmulationScope scope(unchecked);
    all.insert(action());
  }
  return all;
}

static __global__ void no_barrier_before_read(float* out) {
  STRATA_SHARED(float, scratch, 64);
  scratch[threadIdx.x] = 1.0F;
  out[threadIdx.x] = scratch[63 - threadIdx.x];
}

TEST(CudaOnHostEmulatorBugs, MissingBarrierBeforeARead) {
  std::vector<float> out(64);
  const auto run = [&] { launch(&no_barrier_before_read, dim3(1), dim3(64), 0, nullptr, out.data()); };
  expect_error(run, AllOf(StartsWith("block (0,0,0), thread ("), HasSubstr("scratch["),
                          testing::AnyOf(HasSubstr("nobody has written"), HasSubstr("without a barrier between"))));
}

// Sums the block twice; `again` tells whether the second waits until the first has been read.
static __device__ float block_sum(float value, bool wait) {
  STRATA_SHARED(float, scratch, 64);
  if (wait) __syncthreads();
  scratch[threadIdx.x] = value;
  __syncthreads();
  float sum = 0.0F;
  for (int i = 0; i < 64; ++i) sum += scratch[i];
  return sum;
}

static __global__ void sum_twice(float* out, bool wait) {
  const float first = block_sum(1.0F, false);
  const float second = block_sum(2.0F, wait);
  out[threadIdx.x] = first + second;
}

TEST(CudaOnHostEmulatorBugs, MissingBarrierBeforeScratchIsUsedAgain) {
  std::vector<float> out(64);
  const auto run = [&](bool wait) { launch(&sum_twice, dim3(1), dim3(64), 0, nullptr, out.data(), wait); };
  expect_error([&] { run(true); }, testing::Eq("no error"));
  expect_error([&] { run(false); },
               AllOf(HasSubstr("race: "), HasSubstr(" shared scratch["), HasSubstr("without a barrier")));
  const auto first = [&](bool wait) {
    run(wait);
    return out[0];
  };
  EXPECT_EQ(results([&] { return first(true); }), std::set<float>{192.0F});
  EXPECT_GT(results([&] { return first(false); }).size(), 1U) << "without the shadow, results of the orders tell";
}

static __global__ void neighbour_in_global_memory(float* values, float* out) {
  values[threadIdx.x] = static_cast<float>(threadIdx.x);
  out[threadIdx.x] = values[(threadIdx.x + 1) % blockDim.x];
}

TEST(CudaOnHostEmulatorBugs, GlobalMemoryReadWithoutABarrierDependsOnTheOrder) {
  const auto sum = [] {
    std::vector<float> values(64, 100.0F);
    std::vector<float> out(64);
    launch(&neighbour_in_global_memory, dim3(1), dim3(64), 0, nullptr, values.data(), out.data());
    float total = 0.0F;
    for (const float value : out) total += value;
    return total;
  };
  EXPECT_GT(results(sum).size(), 1U);
}

static __global__ void return_before_barrier(unsigned threads) {
  if (threadIdx.x >= threads) return;
  __syncthreads();
}

TEST(CudaOnHostEmulatorBugs, EarlyReturnBeforeABarrier) {
  const auto run = [](unsigned threads) { launch(&return_before_barrier, dim3(2), dim3(64), 0, nullptr, threads); };
  expect_error([&] { run(63); }, AllOf(HasSubstr("barrier divergence: waits at __syncthreads (emulator_bugs_test.cpp:"),
                                       HasSubstr("thread (63,0,0) has returned")));
  expect_error([&] { run(64); }, testing::Eq("no error"));
}

static __global__ void two_barriers() {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

static __global__ void barrier_or_shuffle(int* out) {
  if (threadIdx.x < 40) {
    __syncthreads();
  } else {
    out[threadIdx.x] = __shfl_xor_sync(kAll, 1, 1);
  }
}

TEST(CudaOnHostEmulatorBugs, ThreadsAtDifferentBarriers) {
  expect_error([] { launch(&two_barriers, dim3(1), dim3(64), 0, nullptr); },
               AllOf(HasSubstr("barrier divergence"), HasSubstr("while thread (")));
  std::vector<int> out(64);
  expect_error(
      [&] { launch(&barrier_or_shuffle, dim3(1), dim3(64), 0, nullptr, out.data()); },
      AllOf(HasSubstr("waits at __shfl_xor_sync (emulator_bugs_test.cpp:"), HasSubstr("waits at __syncthreads")));
}

enum class ShuffleBug { kNone, kLaneLeavesOut, kMaskWithoutItself, kMasksDiffer, kSourceOutside, kWidth, kWidths };

template <ShuffleBug kBug>
static __global__ void shuffle_kernel(int* out) {
  const unsigned lane = threadIdx.x;
  if (kBug == ShuffleBug::kLaneLeavesOut && lane == 7) return;
  unsigned mask = kAll;
  if (kBug == ShuffleBug::kMaskWithoutItself) mask = 0x0000FFFF;
  if (kBug == ShuffleBug::kMasksDiffer && lane >= 16) mask = 0xFFFF0000;
  if (kBug == ShuffleBug::kSourceOutside) mask = lane < 16 ? 0x0000FFFF : 0xFFFF0000;
  int width = 32;
  if (kBug == ShuffleBug::kWidth) width = 24;
  if (kBug == ShuffleBug::kWidths && lane >= 16) width = 16;
  const int lane_mask = kBug == ShuffleBug::kSourceOutside ? 16 : 8;
  out[lane] = __shfl_xor_sync(mask, static_cast<int>(lane), lane_mask, width);
}

template <ShuffleBug kBug>
std::function<void()> shuffles() {
  return [] {
    std::vector<int> out(32);
    launch(&shuffle_kernel<kBug>, dim3(1), dim3(32), 0, nullptr, out.data());
  };
}

TEST(CudaOnHostEmulatorBugs, WrongShuffles) {
  expect_error(shuffles<ShuffleBug::kNone>(), testing::Eq("no error"));
  expect_error(shuffles<ShuffleBug::kLaneLeavesOut>(), HasSubstr("thread (7,0,0) of its mask has returned"));
  expect_error(shuffles<ShuffleBug::kMaskWithoutItself>(), HasSubstr("its own lane is not in the mask"));
  expect_error(shuffles<ShuffleBug::kMasksDiffer>(), HasSubstr("__shfl_xor_sync (emulator_bugs_test.cpp:"));
  expect_error(shuffles<ShuffleBug::kSourceOutside>(), HasSubstr("which is not in the mask"));
  expect_error(shuffles<ShuffleBug::kWidth>(), HasSubstr("width 24): the width is not a power of two up to 32"));
  expect_error(shuffles<ShuffleBug::kWidths>(), HasSubstr("width"));
}

static __global__ void reduction(float* out, int first_distance) {
  float sum = static_cast<float>(threadIdx.x);
  for (int distance = first_distance; distance > 0; distance /= 2) sum += __shfl_xor_sync(kAll, sum, distance);
  if (threadIdx.x == 0) out[0] = sum;
}

TEST(CudaOnHostEmulatorBugs, WrongReductionWidthGivesAWrongSum) {
  const auto sum = [](int first_distance) {
    float out = 0.0F;
    launch(&reduction, dim3(1), dim3(32), 0, nullptr, &out, first_distance);
    return out;
  };
  EXPECT_EQ(sum(16), 496.0F);
  EXPECT_EQ(sum(8), 120.0F);
  EXPECT_EQ(sum(32), 992.0F);
}

static __global__ void warp_exchange(float* out, bool order) {
  STRATA_SHARED(float, scratch, 32);
  scratch[threadIdx.x] = 1.0F;
  out[threadIdx.x] = __shfl_xor_sync(kAll, 1.0F, 1);
  if (order) __syncwarp();
  out[threadIdx.x] = scratch[threadIdx.x ^ 1];
}

TEST(CudaOnHostEmulatorBugs, ShufflesDoNotOrderSharedMemory) {
  std::vector<float> out(32);
  const auto run = [&](bool order) { launch(&warp_exchange, dim3(1), dim3(32), 0, nullptr, out.data(), order); };
  expect_error([&] { run(false); }, HasSubstr("race: reads shared scratch["));
  expect_error([&] { run(true); }, testing::Eq("no error"));
}

static __global__ void warps_exchange(float* out) {
  STRATA_SHARED(float, scratch, 64);
  scratch[threadIdx.x] = 1.0F;
  __syncwarp();
  out[threadIdx.x] = scratch[threadIdx.x ^ 32];
}

static __global__ void all_write(float* out) {
  STRATA_SHARED(float, scratch, 1);
  scratch[0] = 1.0F;
  __syncthreads();
  out[threadIdx.x] = scratch[0];
}

TEST(CudaOnHostEmulatorBugs, RacesOfWarpsAndOfWriters) {
  std::vector<float> out(64);
  expect_error([&] { launch(&warps_exchange, dim3(1), dim3(64), 0, nullptr, out.data()); },
               testing::AnyOf(HasSubstr("race: "), HasSubstr("nobody has written")));
  expect_error([&] { launch(&all_write, dim3(1), dim3(64), 0, nullptr, out.data()); },
               AllOf(HasSubstr("race: writes shared scratch[0]"), HasSubstr("wrote without a barrier between")));
}

// The threads `reader` and `other_reader` read an element, `writer` writes it; only a __syncwarp is between.
static __global__ void write_after_reads(float* out, unsigned reader, unsigned other_reader, unsigned writer) {
  STRATA_SHARED(float, scratch, 1);
  const unsigned t = threadIdx.x;
  if (t == 0) scratch[0] = 1.0F;
  __syncthreads();
  if (t == reader || t == other_reader) out[t] = scratch[0];
  if (writer != other_reader) __syncwarp();
  if (t == writer) scratch[0] = 2.0F;
}

TEST(CudaOnHostEmulatorBugs, RacesOfReadersAndAWriter) {
  std::vector<float> out(64);
  const auto run = [&](unsigned reader, unsigned other_reader, unsigned writer) {
    return [=, &out] {
      launch(&write_after_reads, dim3(1), dim3(64), 0, nullptr, out.data(), reader, other_reader, writer);
    };
  };
  expect_error(run(5, 5, 6), testing::Eq("no error"));
  expect_error(run(5, 6, 7), testing::Eq("no error"));
  expect_error(run(5, 5, 5), testing::Eq("no error"));
  expect_error(run(5, 5, 40), AllOf(HasSubstr("race: "), HasSubstr("thread (5,0,0)")));
  expect_error(run(5, 6, 6), HasSubstr("race: "));
  expect_error(run(5, 40, 41), HasSubstr("race: "));
}

TEST(CudaOnHostEmulatorBugs, ALaunchAfterAnErrorIsAFreshOne) {
  std::vector<int> out(32);
  for (int i = 0; i < 3; ++i) {
    EXPECT_THROW(shuffles<ShuffleBug::kLaneLeavesOut>()(), EmulationError);
    launch(&shuffle_kernel<ShuffleBug::kNone>, dim3(1), dim3(32), 0, nullptr, out.data());
    EXPECT_EQ(out[3], 11);
  }
}

}  // namespace
}  // namespace strata::test
