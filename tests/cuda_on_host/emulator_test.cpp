// Right kernels give right results, the same bits in every order of threads and blocks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <span>
#include <vector>

#include "cuda_on_host/emulation_cases.h"
#include "cuda_on_host/emulator/guarded_buffer.h"
#include "cuda_on_host/sample_kernels.h"

namespace strata::test {
namespace {

using testing::ElementsAre;

class CudaOnHostEmulator : public testing::TestWithParam<Emulation> {
  EmulationScope scope_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(EveryOrder, CudaOnHostEmulator, testing::ValuesIn(all_emulations()),
                         [](const auto& info) { return name_of(info.param); });

template <class T>
void fill(const GuardedBuffer<T>& buffer) {
  for (size_t i = 0; i < buffer.size(); ++i) buffer[i] = static_cast<T>(std::sin(static_cast<double>(i)));
}

// As sum_rows adds up: a thread's elements, the lanes of a warp as a butterfly, the warps in order.
template <class Term>
float sum_as_kernel(std::span<const float> row, size_t threads, Term term) {
  std::vector<float> sums(threads, 0.0F);
  for (size_t i = 0; i < row.size(); ++i) sums[i % threads] += term(row[i]);
  float total = 0.0F;
  for (size_t warp = 0; warp < threads; warp += 32) {
    for (size_t distance = 16; distance > 0; distance /= 2) {
      for (size_t lane = 0; lane < distance; ++lane) sums[warp + lane] += sums[warp + lane + distance];
    }
    total += sums[warp];
  }
  return total;
}

TEST_P(CudaOnHostEmulator, ReducesABlockWithShufflesAndSharedMemory) {
  constexpr int kRows = 5;
  constexpr int kWidth = 333;
  const GuardedBuffer<float> in(kRows * kWidth);
  fill(in);
  for (const int threads : {32, 96, 128, 1024}) {
    const GuardedBuffer<float> out(2 * kRows);
    samples::sum_rows(in.data(), out.data(), kRows, kWidth, threads);
    for (size_t row = 0; row < kRows; ++row) {
      const std::span<const float> values = in.span().subspan(row * kWidth, kWidth);
      const auto count = static_cast<size_t>(threads);
      EXPECT_EQ(out[row], sum_as_kernel(values, count, [](float x) { return x; })) << threads;
      EXPECT_FLOAT_EQ(out[kRows + row], sum_as_kernel(values, count, [](float x) { return x * x; })) << threads;
    }
  }
}

TEST_P(CudaOnHostEmulator, ReducesWarps) {
  const GuardedBuffer<double> in(256);
  fill(in);
  const GuardedBuffer<double> out(8);
  samples::sum_warps(in.data(), out.data(), 8);
  for (size_t warp = 0; warp < 8; ++warp) {
    EXPECT_NEAR(out[warp], std::accumulate(&in[32 * warp], &in[32 * warp] + 32, 0.0), 1e-14);
  }
}

TEST_P(CudaOnHostEmulator, HasDynamicSharedMemory) {
  const GuardedBuffer<float> in(96);
  fill(in);
  const GuardedBuffer<float> out(96);
  samples::reverse(in.data(), out.data(), 96);
  for (size_t i = 0; i < 96; ++i) EXPECT_EQ(out[i], in[95 - i]);
}

TEST_P(CudaOnHostEmulator, HasBlocksAndGridsOfTwoDimensions) {
  constexpr size_t kRows = 45;
  constexpr size_t kColumns = 70;
  const GuardedBuffer<float> in(kRows * kColumns);
  fill(in);
  const GuardedBuffer<float> out(kRows * kColumns);
  samples::transpose(in.data(), out.data(), kRows, kColumns);
  for (size_t row = 0; row < kRows; ++row) {
    for (size_t column = 0; column < kColumns; ++column) {
      ASSERT_EQ(out[column * kRows + row], in[row * kColumns + column]) << row << ", " << column;
    }
  }
}

TEST_P(CudaOnHostEmulator, NumbersBlocksAndThreads) {
  const GuardedBuffer<unsigned> out(3 * 12);
  const GuardedBuffer<unsigned> last(3, alignof(unsigned));
  samples::indices(out.data(), last.data());
  for (size_t block = 0; block < 12; ++block) {
    EXPECT_THAT(out.span().subspan(3 * block, 3), ElementsAre(block % 3, block / 3 % 2, block / 6));
  }
  EXPECT_THAT(last.span(), ElementsAre(3, 3, 1));
}

TEST_P(CudaOnHostEmulator, LetsWholeBlocksReturnBeforeABarrier) {
  const GuardedBuffer<float> in(2 * 128);
  fill(in);
  const GuardedBuffer<float> out(2 * 128);
  samples::add_one(in.data(), out.data(), 2 * 128, 5);
  for (size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], in[i] + 1.0F);
}

TEST_P(CudaOnHostEmulator, VotesAndShufflesHalvesOfWarps) {
  std::vector<int> in(32);
  for (int i = 0; i < 32; ++i) in[i] = i % 3 == 0 ? i : -i;
  std::vector<int> out(5);
  samples::votes(in.data(), out.data());
  EXPECT_THAT(out, ElementsAre(0x49249248, 1, 0, 15, 30));
  samples::votes(std::vector<int>(32, 7).data(), out.data());
  EXPECT_THAT(out, ElementsAre(-1, 1, 1, 7, 7));
  samples::votes(std::vector<int>(32, -7).data(), out.data());
  EXPECT_THAT(out, ElementsAre(0, 0, 0, -7, -7));
}

TEST_P(CudaOnHostEmulator, OrdersAWarpBySyncwarpAndCountsByAtomics) {
  std::vector<int> in(64);
  std::iota(in.begin(), in.end(), -3);
  std::vector<int> out(2);
  unsigned count = 100;
  samples::warp_scratch(in.data(), out.data(), &count);
  EXPECT_THAT(out, ElementsAre(32 * 31 / 2 - 96, 32 * 31 / 2 + 29 * 32));
  EXPECT_EQ(count, 160);
}

}  // namespace
}  // namespace strata::test
