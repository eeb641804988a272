// The contract of collectives over NCCL: a process and a GPU for each worker. Without a GPU they say so and are
// skipped.
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <sys/wait.h>
#include <unistd.h>

#include <iostream>

#include "strata/base/machine.h"
#include "strata/workers/nccl.h"
#include "support/errors.h"
#include "workers/slices_contract.h"

namespace strata::workers {
namespace {

using strata::test::Collective;
using strata::test::error_of;

constexpr Store::Seconds kTimeout{60};

// Threads will not do: what CUDA does for one may wait for the collectives of another.
void as_processes(int count, const std::function<void(int rank, const Store& store)>& task) {
  const Store store = Store::serve(0);
  std::vector<pid_t> children;
  for (int rank = 0; rank < count; ++rank) {
    std::cout << std::flush;
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const std::string failure = error_of([&] { task(rank, Store::connect("127.0.0.1", store.port(), kTimeout)); });
      if (failure != "no error") ADD_FAILURE() << "worker " << rank << ": " << failure;
      std::cout << std::flush;
      _exit(testing::Test::HasFailure() ? 1 : 0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "of a worker: what it printed is above";
  }
}

void as_nccl_workers(int world_size, const strata::test::WorkersTask& work, Store::Seconds timeout = kTimeout) {
  as_processes(world_size, [&](int rank, const Store& store) {
    const NcclOptions options{.rank = rank, .world_size = world_size, .device = rank, .timeout = timeout};
    work(*connect_nccl(store, options));
  });
}

// Makes no call to CUDA: this process forks.
void skip_without_gpus(int wanted) {
  const int seen = gpu_count();
  if (seen == 0) GTEST_SKIP() << "no GPU on this machine: collectives over NCCL are NOT tested";
  const std::string lacks = missing_for_nccl();
  if (!lacks.empty()) GTEST_SKIP() << "no NCCL on this machine: its collectives are NOT tested: " << lacks;
  if (seen < wanted) GTEST_SKIP() << wanted << " workers need as many GPUs; there are " << seen;
}

class NcclCollectives : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { skip_without_gpus(GetParam()); }
};

// All in one process per worker: to load CUDA takes longer than the rest.
TEST_P(NcclCollectives, KeepTheContract) {
  as_nccl_workers(GetParam(), [](Communicator& workers) {
    const auto as_workers = [&](int, const strata::test::WorkersTask& work) { work(workers); };
    for (const Collective& c : test::collectives({workers.world_size()}, as_workers, {at::kCPU, at::kCUDA})) {
      SCOPED_TRACE(c.name());
      fixed_sums_are_trees(c);
      a_slice_may_be_its_place_in_the_values(c);
      slices_may_differ(c);
      fast_sums_are_sums(c);
      move_what_they_say(c);
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Gpus, NcclCollectives, testing::Values(1, 2, 4, 8));

TEST(Nccl, ManyCollectivesMayBeUnderWay) {
  skip_without_gpus(2);
  if (IsSkipped()) return;
  as_nccl_workers(2, [](Communicator& workers) {
    const at::Device device(at::kCUDA, static_cast<at::DeviceIndex>(workers.rank()));
    std::vector<at::Tensor> values;
    std::vector<Handle> handles;
    for (int64_t i = 0; i < 50; ++i) {
      values.push_back(at::full({(i % 7 + 1) * 1000}, static_cast<double>(i), at::kFloat).to(device));
      handles.push_back(workers.all_reduce(values.back(), SumOrder::kFixed));
    }
    for (size_t i = 50; i-- > 0;) {
      handles[i]->wait();
      EXPECT_TRUE(at::equal(values[i].cpu(), at::full({values[i].numel()}, 2.0 * static_cast<double>(i), at::kFloat)));
    }
    workers.barrier();
    EXPECT_GT(workers.time().busy_seconds, 0.0);
  });
}

TEST(Nccl, GivesUpOnAWorkerThatHasGone) {
  skip_without_gpus(2);
  if (IsSkipped()) return;
  const auto work = [](Communicator& workers) {
    if (!workers.is_first()) _exit(0);
    for (int i = 0; i < 2; ++i) {
      EXPECT_THAT(error_of([&] { workers.barrier(); }), testing::HasSubstr("lost a worker: "));
    }
  };
  as_nccl_workers(2, work, std::chrono::seconds(10));
}

TEST(Nccl, NamesAWorkerThatDoesNotCome) {
  skip_without_gpus(1);
  if (IsSkipped()) return;
  as_processes(1, [](int rank, const Store& store) {
    const NcclOptions options{.rank = rank, .world_size = 2, .timeout = std::chrono::milliseconds(200)};
    EXPECT_EQ(error_of([&] { connect_nccl(store, options); }), "nccl: worker 1 did not come within 0.2 s");
  });
}

}  // namespace
}  // namespace strata::workers
