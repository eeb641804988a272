// Two communicators behind one: which of them is asked for what, and the contract of collectives over two of Gloo.
#include "strata/workers/by_device.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include <chrono>

#include "strata/workers/gloo.h"
#include "support/workers.h"
#include "workers/slices_contract.h"

namespace strata::workers {
namespace {

using strata::test::Collective;
using testing::ElementsAre;
using testing::IsEmpty;

// Says what it was asked for.
class Recorder final : public Communicator {
 public:
  Recorder(std::vector<std::string>& calls, CommunicationTime time) : Communicator(1, 2), calls_(calls), time_(time) {}

  const char* backend() const override { return "recorder"; }
  Handle all_reduce(const at::Tensor&, SumOrder) override { return called("all_reduce"); }
  Handle reduce_scatter(const at::Tensor&, const at::Tensor&, const SliceSizes&, SumOrder) override {
    return called("reduce_scatter");
  }
  Handle all_gather(const at::Tensor&, const at::Tensor&, const SliceSizes&) override { return called("all_gather"); }
  Handle all_to_all(const at::Tensor&, const at::Tensor&) override { return called("all_to_all"); }
  Handle broadcast(const at::Tensor&, int) override { return called("broadcast"); }
  void barrier() override { called("barrier"); }
  CommunicationTime time() const override { return time_; }

 private:
  Handle called(const char* name) {
    const Waiting waiting(watcher());
    calls_.emplace_back(name);
    return nullptr;
  }

  std::vector<std::string>& calls_;
  CommunicationTime time_;
};

// Says what it was told.
class Listener final : public Watcher {
 public:
  void begin_wait() override { told.emplace_back("wait"); }
  void end_wait() override {}
  void begin_step(int64_t step) override { told.push_back("step " + std::to_string(step)); }
  void get_on() override { told.emplace_back("get on"); }

  std::vector<std::string> told;
};

class ByDevice : public testing::Test {
 protected:
  // On a device that is not the CPU there is `meta` everywhere.
  void ask_for_all(at::DeviceType device) {
    const at::Tensor values = at::empty({2}, device);
    const at::Tensor slice = at::empty({1}, device);
    workers_->all_reduce(values, SumOrder::kFixed);
    workers_->reduce_scatter(slice, values, SumOrder::kFixed);
    workers_->all_gather(values, slice);
    workers_->all_to_all(values, values);
    workers_->broadcast(values, 0);
  }

  std::vector<std::string> host_, devices_;
  std::unique_ptr<Communicator> workers_ =
      by_device(std::make_unique<Recorder>(host_, CommunicationTime{.busy_seconds = 1.0, .waited_seconds = 0.25}),
                std::make_unique<Recorder>(devices_, CommunicationTime{.busy_seconds = 2.0, .waited_seconds = 0.5}));
};

TEST_F(ByDevice, SendsWhatIsOnTheCpuOverTheFirst) {
  ask_for_all(at::kCPU);
  EXPECT_THAT(host_, ElementsAre("all_reduce", "reduce_scatter", "all_gather", "all_to_all", "broadcast"));
  EXPECT_THAT(devices_, IsEmpty());
}

TEST_F(ByDevice, SendsWhatIsOnADeviceOverTheSecond) {
  ask_for_all(at::kMeta);
  EXPECT_THAT(devices_, ElementsAre("all_reduce", "reduce_scatter", "all_gather", "all_to_all", "broadcast"));
  EXPECT_THAT(host_, IsEmpty());
}

TEST_F(ByDevice, MeetsOnTheHosts) {
  workers_->barrier();
  EXPECT_THAT(host_, ElementsAre("barrier"));
  EXPECT_THAT(devices_, IsEmpty());
}

TEST_F(ByDevice, IsTheSameWorkerAndAddsUpTheTimes) {
  EXPECT_EQ(workers_->rank(), 1);
  EXPECT_EQ(workers_->world_size(), 2);
  EXPECT_STREQ(workers_->backend(), "recorder");
  EXPECT_EQ(workers_->time().busy_seconds, 3.0);
  EXPECT_EQ(workers_->time().waited_seconds, 0.75);
}

TEST_F(ByDevice, ItsWatcherHearsOfWaitsOnBoth) {
  Listener listener;
  workers_->set_watcher(&listener);
  workers_->begin_step(7);
  workers_->get_on();
  workers_->barrier();
  workers_->broadcast(at::empty({2}, at::kMeta), 0);
  EXPECT_THAT(listener.told, ElementsAre("step 7", "get on", "wait", "wait"));
  workers_->set_watcher(nullptr);
  workers_->barrier();
  EXPECT_EQ(listener.told.size(), 4U);
}

void as_workers_twice(int world_size, const strata::test::WorkersTask& work) {
  const Store store = Store::serve(0);
  strata::test::as_workers(world_size, [&](Communicator& first) {
    const GlooOptions options{.rank = first.rank(), .world_size = world_size, .timeout = std::chrono::seconds(60)};
    const Store mine = store.another_connection();
    auto host = connect_gloo(mine.under("host/"), options);
    work(*by_device(std::move(host), connect_gloo(mine.under("devices/"), options)));
  });
}

class CollectivesByDevice : public testing::TestWithParam<Collective> {};

TEST_P(CollectivesByDevice, FixedSumsAreTrees) { fixed_sums_are_trees(GetParam()); }
TEST_P(CollectivesByDevice, ASliceMayBeItsPlaceInTheValues) { a_slice_may_be_its_place_in_the_values(GetParam()); }
TEST_P(CollectivesByDevice, SlicesMayDiffer) { slices_may_differ(GetParam()); }
TEST_P(CollectivesByDevice, FastSumsAreSums) { fast_sums_are_sums(GetParam()); }
TEST_P(CollectivesByDevice, MoveWhatTheySay) { move_what_they_say(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Cpu, CollectivesByDevice,
                         testing::ValuesIn(test::collectives({2, 4}, as_workers_twice, {at::kCPU})),
                         test::name_of_collective);

}  // namespace
}  // namespace strata::workers
