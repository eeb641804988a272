#pragma once

#include "workers/collectives_contract.h"

namespace strata::test {

// Slices of 7, 0, 21, 0, 35 ... elements.
inline void slices_may_differ(const Collective& c) {
  workers::SliceSizes sizes;
  for (int rank = 0; rank < c.world; ++rank) sizes.push_back(rank % 2 == 0 ? 7 * (rank + 1) : 0);
  int64_t size = 0;
  for (const int64_t slice : sizes) size += slice;
  const at::Tensor expected = c.tree(0, c.world, size);
  for (const workers::SumOrder order : {workers::SumOrder::kFixed, workers::SumOrder::kFast}) {
    c.as_workers(c.world, [&](workers::Communicator& workers) {
      const at::Tensor values = c.values(workers.rank(), size);
      const at::Tensor mine = workers::slice_of(values, sizes, workers.rank());
      const workers::Handle reduced = workers.reduce_scatter(mine, values, sizes, order);
      const workers::Handle gathered = workers.all_gather(values, mine, sizes);
      reduced->wait();
      gathered->wait();
      EXPECT_TRUE(at::equal(values.cpu(), expected));

      const at::Tensor elsewhere = mine.clone(), all = c.room(size, workers.rank());
      workers.all_gather(all, elsewhere, sizes)->wait();
      EXPECT_TRUE(at::equal(all.cpu(), expected));
    });
  }
}

}  // namespace strata::test
