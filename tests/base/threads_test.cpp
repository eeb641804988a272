#include "strata/base/threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <numeric>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

namespace strata {
namespace {

class Threads : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { set_num_threads(GetParam()); }
  void TearDown() override { set_num_threads(0); }
};

TEST_P(Threads, RunEveryTaskOnce) {
  for (const int64_t tasks : {0, 1, 2, 3, 7, 100, 10'000}) {
    std::vector<std::atomic<int>> runs(static_cast<size_t>(tasks));
    parallel_tasks(tasks, [&](int64_t task) { ++runs[static_cast<size_t>(task)]; });
    for (const auto& count : runs) ASSERT_EQ(count, 1) << tasks;
  }
}

TEST_P(Threads, CoverARangeWithPiecesOfAtLeastTheGrain) {
  for (const int64_t n : {0, 1, 5, 64, 1000, 1001}) {
    for (const int64_t grain : {1, 7, 64, 2000}) {
      std::mutex mutex;
      std::set<std::pair<int64_t, int64_t>> ranges;
      parallel_ranges(n, grain, [&](int64_t begin, int64_t end) {
        const std::lock_guard lock(mutex);
        ranges.emplace(begin, end);
      });
      int64_t covered = 0;
      for (const auto& [begin, end] : ranges) {
        ASSERT_EQ(begin, covered);
        ASSERT_TRUE(end - begin >= grain || end == n) << n << " by " << grain;
        covered = end;
      }
      ASSERT_EQ(covered, n);
    }
  }
}

// What a kernel keeps by thread_index() belongs to one task at a time.
TEST_P(Threads, HaveNumbersThatNoTwoShareAtOnce) {
  std::vector<std::atomic<int>> users(static_cast<size_t>(num_threads()));
  std::atomic<bool> is_shared = false;
  parallel_tasks(2000, [&](int64_t) {
    auto& here = users.at(static_cast<size_t>(thread_index()));
    if (++here != 1) is_shared = true;
    --here;
  });
  EXPECT_FALSE(is_shared);
  EXPECT_EQ(thread_index(), 0);
}

TEST_P(Threads, WorkAloneInATask) {
  const int threads = num_threads();
  std::atomic<int64_t> inner = 0;
  std::atomic<bool> is_alone = true;
  parallel_tasks(8, [&](int64_t) {
    const int outer = thread_index();
    parallel_tasks(5, [&](int64_t) {
      ++inner;
      if (thread_index() != 0 || num_threads() != 1) is_alone = false;
    });
    if (thread_index() != outer || num_threads() != 1) is_alone = false;
  });
  EXPECT_EQ(inner, 40);
  EXPECT_TRUE(is_alone);
  EXPECT_EQ(num_threads(), threads);
}

TEST_P(Threads, OneTaskMaySplitItsWorkFurther) {
  int seen = 0;
  parallel_tasks(1, [&](int64_t) { seen = num_threads(); });
  EXPECT_EQ(seen, num_threads());
}

TEST_P(Threads, GiveBackWhatATaskThrows) {
  for (int time = 0; time < 50; ++time) {
    try {
      parallel_tasks(20, [](int64_t task) {
        if (task == 13) throw std::runtime_error("thirteen");
      });
      FAIL();
    } catch (const std::runtime_error& failure) {
      EXPECT_STREQ(failure.what(), "thirteen");
    }
  }
  std::atomic<int64_t> sum = 0;
  parallel_tasks(20, [&](int64_t task) { sum += task; });
  EXPECT_EQ(sum, 190);
}

// Between pieces of work they look, then yield, then sleep: none of the changes loses a piece.
TEST_P(Threads, TakeWorkHoweverLongTheyHaveWaited) {
  std::atomic<int64_t> sum = 0;
  for (const int microseconds : {0, 5, 18, 20, 22, 100, 4'900, 5'000, 5'100, 20'000}) {
    for (int time = 0; time < 20; ++time) {
      std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
      parallel_tasks(4, [&](int64_t task) { sum += task; });
    }
  }
  EXPECT_EQ(sum, 10 * 20 * 6);
}

TEST_P(Threads, DoManyShortPiecesOfWork) {
  std::vector<int64_t> values(64);
  for (int time = 0; time < 20'000; ++time) {
    parallel_tasks(std::ssize(values), [&](int64_t task) { values[static_cast<size_t>(task)] += task; });
  }
  for (size_t i = 0; i < values.size(); ++i) ASSERT_EQ(values[i], 20'000 * static_cast<int64_t>(i));
}

// Two that have work at once: one of them does its own.
TEST_P(Threads, ServeSeveralCallers) {
  std::atomic<int64_t> sum = 0;
  const auto call = [&] {
    for (int time = 0; time < 2'000; ++time) parallel_tasks(6, [&](int64_t task) { sum += task; });
  };
  std::thread other(call);
  call();
  other.join();
  EXPECT_EQ(sum, 2 * 2'000 * 15);
}

TEST_P(Threads, WhoWorksAloneHasOne) {
  int threads = 0;
  std::thread([&] {
    work_alone();
    threads = num_threads();
  }).join();
  EXPECT_EQ(threads, 1);
  EXPECT_EQ(num_threads(), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Count, Threads, testing::Values(1, 2, 3, 8), testing::PrintToStringParamName());

}  // namespace
}  // namespace strata
