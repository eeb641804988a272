// The contract of collectives, over every implementation that needs no GPU.
#include "strata/workers/communicator.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>

#include "strata/workers/gloo.h"
#include "strata/workers/lagging_vote.h"
#include "support/errors.h"
#include "support/workers.h"
#include "workers/slices_contract.h"

namespace strata::workers {
namespace {

using strata::test::as_workers;
using strata::test::Collective;

class Collectives : public testing::TestWithParam<Collective> {};

TEST_P(Collectives, FixedSumsAreTrees) { fixed_sums_are_trees(GetParam()); }
TEST_P(Collectives, ASliceMayBeItsPlaceInTheValues) { a_slice_may_be_its_place_in_the_values(GetParam()); }
TEST_P(Collectives, SlicesMayDiffer) { slices_may_differ(GetParam()); }
TEST_P(Collectives, FastSumsAreSums) { fast_sums_are_sums(GetParam()); }
TEST_P(Collectives, MoveWhatTheySay) { move_what_they_say(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Cpu, Collectives, testing::ValuesIn(test::collectives({1, 2, 4, 8}, as_workers, {at::kCPU})),
                         test::name_of_collective);

TEST(Workers, AgreeAndExchangeNumbers) {
  as_workers(3, [](Communicator& workers) {
    EXPECT_FALSE(any(workers, false));
    EXPECT_TRUE(any(workers, workers.rank() == 2));
    const auto rank = static_cast<double>(workers.rank());
    EXPECT_THAT(gather_numbers(workers, {rank, 10.0 * rank}), testing::ElementsAre(0, 0, 1, 10, 2, 20));
  });
}

// ((0 + 1) + (2 + 3)) + ... over the rows of all ranks, which is not a matter of who has them.
double tree_of(std::vector<double> rows) {
  for (size_t stride = 1; stride < rows.size(); stride *= 2) {
    for (size_t row = 0; row + stride < rows.size(); row += 2 * stride) rows[row] += rows[row + stride];
  }
  return rows.front();
}

TEST(Workers, AddUpRowsAsOneTree) {
  for (const auto& [world, rows_each] : {std::pair(1, 8), std::pair(2, 4), std::pair(4, 2), std::pair(3, 1)}) {
    const int64_t num_rows = int64_t{world} * rows_each;
    std::vector<double> first, second;
    for (int64_t row = 0; row < num_rows; ++row) {
      first.push_back(0.1 * static_cast<double>(row + 1));
      second.push_back(1e16 / static_cast<double>(row + 3));
    }
    as_workers(world, [&](Communicator& workers) {
      const at::Tensor rows = at::full({num_rows, 2}, -1.0, at::kDouble);
      for (int64_t row = workers.rank() * rows_each; row < (workers.rank() + 1) * rows_each; ++row) {
        rows[row][0].fill_(first[static_cast<size_t>(row)]);
        rows[row][1].fill_(second[static_cast<size_t>(row)]);
      }
      sum_rows(workers, rows);
      EXPECT_EQ(rows[0][0].item<double>(), tree_of(first));
      EXPECT_EQ(rows[0][1].item<double>(), tree_of(second));
      const double mine = first[static_cast<size_t>(workers.rank())];
      EXPECT_THAT(sum_of_numbers(workers, {mine, 1.0}),
                  testing::ElementsAre(tree_of({first.begin(), first.begin() + world}), world));
    });
  }
}

TEST(Workers, LearnOfAVoteOneCallLater) {
  as_workers(3, [](Communicator& workers) {
    LaggingVote vote(workers);
    EXPECT_FALSE(vote(false));
    EXPECT_FALSE(vote(workers.rank() == 1));
    EXPECT_TRUE(vote(false));
    EXPECT_FALSE(vote(false));
  });
  const auto nobody_else = alone();
  LaggingVote vote(*nobody_else);
  EXPECT_TRUE(vote(true));
}

TEST(Workers, ManyCollectivesMayBeUnderWay) {
  as_workers(4, [](Communicator& workers) {
    std::vector<at::Tensor> values;
    std::vector<Handle> handles;
    for (int64_t i = 0; i < 50; ++i) {
      values.push_back(at::full({(i % 7 + 1) * 1000}, static_cast<double>(i), at::kFloat));
      handles.push_back(workers.all_reduce(values.back(), SumOrder::kFixed));
    }
    for (size_t i = 50; i-- > 0;) {
      handles[i]->wait();
      EXPECT_TRUE(at::equal(values[i], at::full({values[i].numel()}, 4.0 * static_cast<double>(i), at::kFloat)));
    }
  });
}

TEST(Gloo, IsTheOneThatStrataWasBuiltWith) { EXPECT_NO_THROW(check_gloo()); }

TEST(Gloo, TellsOfAWorkerThatHasGone) {
  EXPECT_THAT(strata::test::error_of([] {
                as_workers(2, [](Communicator& workers) {
                  if (!workers.is_first()) return;
                  workers.all_reduce(at::full({4}, 1.0), SumOrder::kFixed)->wait();
                });
              }),
              testing::HasSubstr("lost a worker: "));
}

TEST(Gloo, LetsGoOfTheOthersWhenAWorkerFails) {
  EXPECT_EQ(strata::test::error_of([] {
              as_workers(3, [](Communicator& workers) {
                const at::Tensor values = at::full({1000}, 1.0);
                std::vector<Handle> handles;
                for (int i = 0; i < 3; ++i) handles.push_back(workers.all_reduce(values, SumOrder::kFixed));
                if (workers.is_first()) throw Error("the first worker fails");  // with collectives under way
                for (const Handle& handle : handles) handle->wait();
                workers.barrier();
              });
            }),
            "the first worker fails");
}

TEST(Gloo, LetsWorkersPartAsSoonAsTheyHaveMet) {
  for (int meeting = 0; meeting < 60; ++meeting) {
    const int world = 2 + meeting % 3;
    EXPECT_EQ(strata::test::error_of([&] { as_workers(world, [](Communicator&) {}); }), "no error") << meeting;
  }
}

TEST(Gloo, NamesAWorkerThatDoesNotCome) {
  const Store store = Store::serve(0);
  const GlooOptions options{.rank = 0, .world_size = 2, .timeout = std::chrono::milliseconds(100)};
  EXPECT_THAT(strata::test::error_of([&] { connect_gloo(store, options); }),
              testing::HasSubstr("left no address within 0.1 s"));
}

TEST(Gloo, NamesAnInterfaceThatIsNotThere) {
  const Store store = Store::serve(0);
  const GlooOptions options{.rank = 0, .world_size = 2, .interface = "no0", .timeout = std::chrono::seconds(1)};
  EXPECT_THAT(strata::test::error_of([&] { connect_gloo(store, options); }),
              testing::HasSubstr("parallel.interface: cannot use no0: "));
}

}  // namespace
}  // namespace strata::workers
