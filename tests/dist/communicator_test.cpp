// The contract of collectives, over every implementation that runs here.
#include <ATen/ops/add.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>

#include "strata/dist/gloo.h"
#include "support/errors.h"
#include "support/workers.h"

namespace strata::dist {
namespace {

using strata::test::as_workers;

// What rank r has before a collective: the same on every rank that asks.
at::Tensor values_of(int rank, int64_t size, at::ScalarType dtype) {
  if (dtype == at::kLong) return at::arange(rank, rank + size, at::kLong);
  at::Tensor values = at::empty({size}, at::kFloat);
  auto* value = values.mutable_data_ptr<float>();
  uint32_t state = static_cast<uint32_t>(rank) * 7919U + 17U;
  for (int64_t i = 0; i < size; ++i) {
    state = state * 1664525U + 1013904223U;
    value[i] = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-28F;
  }
  return values.to(dtype);
}

// ((0 + 1) + (2 + 3)) + ... of the ranks' values, by recursion.
at::Tensor tree(int first, int count, int64_t size, at::ScalarType dtype) {
  if (count == 1) return values_of(first, size, dtype);
  return at::add(tree(first, count / 2, size, dtype), tree(first + count / 2, count / 2, size, dtype));
}

class Collectives : public testing::TestWithParam<std::tuple<int, at::ScalarType>> {
 protected:
  int world() const { return std::get<0>(GetParam()); }
  at::ScalarType dtype() const { return std::get<1>(GetParam()); }
};

TEST_P(Collectives, FixedSumsAreTrees) {
  for (const int64_t slice : {1, 3, 1000}) {
    const int64_t size = slice * world();
    const at::Tensor expected = tree(0, world(), size, dtype());
    as_workers(world(), [&](Communicator& workers) {
      const at::Tensor values = values_of(workers.rank(), size, dtype());
      const at::Tensor sum = at::empty({slice}, dtype());
      workers.reduce_scatter(sum, values.clone(), SumOrder::kFixed)->wait();
      EXPECT_TRUE(at::equal(sum, slice_of(workers, expected)));
      workers.all_reduce(values, SumOrder::kFixed)->wait();
      EXPECT_TRUE(at::equal(values, expected));
    });
  }
}

TEST_P(Collectives, ASliceMayBeItsPlaceInTheValues) {
  const int64_t size = 64 * world();
  const at::Tensor expected = tree(0, world(), size, dtype());
  as_workers(world(), [&](Communicator& workers) {
    const at::Tensor values = values_of(workers.rank(), size, dtype());
    const Handle reduced = workers.reduce_scatter(slice_of(workers, values), values, SumOrder::kFixed);
    const Handle gathered = workers.all_gather(values, slice_of(workers, values));  // in order: after the sum
    reduced->wait();
    gathered->wait();
    EXPECT_TRUE(at::equal(values, expected));
  });
}

TEST_P(Collectives, FastSumsAreSums) {
  const int64_t size = 1000 * world();
  const at::Tensor expected = tree(0, world(), size, dtype()).to(at::kDouble);
  // Half a unit in the last place of 64 for each of two sums' additions.
  const double tolerance = (dtype() == at::kBFloat16 ? 0x1p-2 : 0x1p-18) * 2 * world();
  as_workers(world(), [&](Communicator& workers) {
    const at::Tensor values = values_of(workers.rank(), size, dtype());
    const at::Tensor sum = at::empty({1000}, dtype());
    workers.reduce_scatter(sum, values.clone(), SumOrder::kFast)->wait();
    EXPECT_TRUE(at::allclose(sum.to(at::kDouble), slice_of(workers, expected), 0.0, tolerance));
    workers.all_reduce(values, SumOrder::kFast)->wait();
    EXPECT_TRUE(at::allclose(values.to(at::kDouble), expected, 0.0, tolerance));
  });
}

TEST_P(Collectives, MoveWhatTheySay) {
  as_workers(world(), [&](Communicator& workers) {
    const at::Tensor mine = values_of(workers.rank(), 5, dtype());
    const at::Tensor all = at::empty({5 * world()}, dtype());
    workers.all_gather(all, mine)->wait();
    for (int rank = 0; rank < world(); ++rank) {
      EXPECT_TRUE(at::equal(all.narrow(0, 5 * rank, 5), values_of(rank, 5, dtype())));
    }
    const at::Tensor sent = at::full({2 * world()}, workers.rank(), dtype());
    const at::Tensor received = at::empty({2 * world()}, dtype());
    workers.all_to_all(received, sent)->wait();
    for (int rank = 0; rank < world(); ++rank) {
      EXPECT_TRUE(at::equal(received.narrow(0, 2 * rank, 2), at::full({2}, rank, dtype())));
    }
    const at::Tensor last = mine.clone();
    workers.broadcast(last, world() - 1)->wait();
    EXPECT_TRUE(at::equal(last, values_of(world() - 1, 5, dtype())));
    workers.barrier();
  });
}

std::string name_of(const testing::TestParamInfo<std::tuple<int, at::ScalarType>>& info) {
  return std::to_string(std::get<0>(info.param)) + c10::toString(std::get<1>(info.param));
}

INSTANTIATE_TEST_SUITE_P(Cpu, Collectives,
                         testing::Combine(testing::Values(1, 2, 4, 8),
                                          testing::Values(at::kFloat, at::kDouble, at::kBFloat16, at::kLong)),
                         name_of);

TEST(Workers, AgreeAndExchangeNumbers) {
  as_workers(3, [](Communicator& workers) {
    EXPECT_FALSE(any(workers, false));
    EXPECT_TRUE(any(workers, workers.rank() == 2));
    const auto rank = static_cast<double>(workers.rank());
    EXPECT_THAT(gather_numbers(workers, {rank, 10.0 * rank}), testing::ElementsAre(0, 0, 1, 10, 2, 20));
  });
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
}  // namespace strata::dist
