#pragma once

// What every Communicator of several workers promises, for tests of each to run.

#include <ATen/core/Tensor.h>
#include <ATen/ops/add.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "strata/workers/communicator.h"

namespace strata::test {

using WorkersTask = std::function<void(workers::Communicator&)>;

/// So many workers, carried by one implementation, with tensors of this kind.
struct Collective {
  int world = 1;
  std::function<void(int world, const WorkersTask&)> as_workers = {};
  at::DeviceType device = at::kCPU;
  at::ScalarType dtype = at::kFloat;

  std::string name() const {
    return std::to_string(world) + c10::toString(dtype) + (device == at::kCPU ? "" : "OnItsDevice");
  }

  /// On rank r's device.
  at::Tensor put(const at::Tensor& tensor, int rank) const {
    if (device == at::kCPU) return tensor;
    return tensor.to(at::Device(device, static_cast<at::DeviceIndex>(rank)));
  }
  at::Tensor room(int64_t size, int rank) const { return put(at::empty({size}, dtype), rank); }
  at::Tensor values(int rank, int64_t size) const { return put(values_of(rank, size), rank); }

  /// What rank r has before a collective, on the CPU: the same on every rank that asks.
  at::Tensor values_of(int rank, int64_t size) const {
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

  /// ((0 + 1) + (2 + 3)) + ... of the ranks' values, by recursion.
  at::Tensor tree(int first, int count, int64_t size) const {
    if (count == 1) return values_of(first, size);
    return at::add(tree(first, count / 2, size), tree(first + count / 2, count / 2, size));
  }
};

inline std::vector<Collective> collectives(const std::vector<int>& worlds,
                                           const std::function<void(int, const WorkersTask&)>& as_workers,
                                           const std::vector<at::DeviceType>& devices) {
  std::vector<Collective> all;
  for (const int world : worlds) {
    for (const at::DeviceType device : devices) {
      for (const at::ScalarType dtype : {at::kFloat, at::kDouble, at::kBFloat16, at::kLong}) {
        all.push_back({.world = world, .as_workers = as_workers, .device = device, .dtype = dtype});
      }
    }
  }
  return all;
}

inline std::string name_of_collective(const testing::TestParamInfo<Collective>& info) { return info.param.name(); }

inline void fixed_sums_are_trees(const Collective& c) {
  for (const int64_t slice : {1, 3, 1000}) {
    const int64_t size = slice * c.world;
    const at::Tensor expected = c.tree(0, c.world, size);
    c.as_workers(c.world, [&](workers::Communicator& workers) {
      const at::Tensor values = c.values(workers.rank(), size);
      const at::Tensor sum = c.room(slice, workers.rank());
      workers.reduce_scatter(sum, values.clone(), workers::SumOrder::kFixed)->wait();
      EXPECT_TRUE(at::equal(sum.cpu(), slice_of(workers, expected)));
      workers.all_reduce(values, workers::SumOrder::kFixed)->wait();
      EXPECT_TRUE(at::equal(values.cpu(), expected));
    });
  }
}

inline void a_slice_may_be_its_place_in_the_values(const Collective& c) {
  const int64_t size = 64 * c.world;
  const at::Tensor expected = c.tree(0, c.world, size);
  c.as_workers(c.world, [&](workers::Communicator& workers) {
    const at::Tensor values = c.values(workers.rank(), size);
    const workers::Handle reduced =
        workers.reduce_scatter(slice_of(workers, values), values, workers::SumOrder::kFixed);
    const workers::Handle gathered = workers.all_gather(values, slice_of(workers, values));  // in order: after the sum
    reduced->wait();
    gathered->wait();
    EXPECT_TRUE(at::equal(values.cpu(), expected));
  });
}

inline void fast_sums_are_sums(const Collective& c) {
  const int64_t size = 1000 * c.world;
  const at::Tensor expected = c.tree(0, c.world, size).to(at::kDouble);
  // Half a unit in the last place of 64 for each of two sums' additions.
  const double tolerance = (c.dtype == at::kBFloat16 ? 0x1p-2 : 0x1p-18) * 2 * c.world;
  c.as_workers(c.world, [&](workers::Communicator& workers) {
    const at::Tensor values = c.values(workers.rank(), size);
    const at::Tensor sum = c.room(1000, workers.rank());
    workers.reduce_scatter(sum, values.clone(), workers::SumOrder::kFast)->wait();
    EXPECT_TRUE(at::allclose(sum.cpu().to(at::kDouble), slice_of(workers, expected), 0.0, tolerance));
    workers.all_reduce(values, workers::SumOrder::kFast)->wait();
    EXPECT_TRUE(at::allclose(values.cpu().to(at::kDouble), expected, 0.0, tolerance));
  });
}

inline void move_what_they_say(const Collective& c) {
  c.as_workers(c.world, [&](workers::Communicator& workers) {
    const at::Tensor mine = c.values(workers.rank(), 5);
    const at::Tensor all = c.room(5 * c.world, workers.rank());
    workers.all_gather(all, mine)->wait();
    for (int rank = 0; rank < c.world; ++rank) {
      EXPECT_TRUE(at::equal(all.narrow(0, 5 * rank, 5).cpu(), c.values_of(rank, 5)));
    }
    const at::Tensor sent = c.put(at::full({2 * c.world}, workers.rank(), c.dtype), workers.rank());
    const at::Tensor received = c.room(2 * c.world, workers.rank());
    workers.all_to_all(received, sent)->wait();
    for (int rank = 0; rank < c.world; ++rank) {
      EXPECT_TRUE(at::equal(received.narrow(0, 2 * rank, 2).cpu(), at::full({2}, rank, c.dtype)));
    }
    const at::Tensor last = mine.clone();
    workers.broadcast(last, c.world - 1)->wait();
    EXPECT_TRUE(at::equal(last.cpu(), c.values_of(c.world - 1, 5)));
    workers.barrier();
  });
}

}  // namespace strata::test
