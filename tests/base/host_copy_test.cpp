#include "strata/base/host_copy.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>

namespace strata {
namespace {

TEST(HostCopy, HoldsWhatTheTensorHeldWhenItWasAskedFor) {
  const at::Tensor numbers = at::full({3}, 1.5, at::kDouble);
  HostCopy copy(numbers);
  copy.start(numbers);
  numbers.fill_(2.5);
  EXPECT_TRUE(at::equal(copy.wait(), at::full({3}, 1.5, at::kDouble)));
  copy.start(numbers);
  EXPECT_TRUE(at::equal(copy.wait(), numbers));
}

}  // namespace
}  // namespace strata
