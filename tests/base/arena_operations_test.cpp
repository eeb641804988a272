#include "strata/base/arena_operations.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

namespace strata {
namespace {

// Around the pieces that threads take.
constexpr int64_t kSizes[] = {0, 1, 1000, 1 << 16, (1 << 16) + 1, 1'000'003};

TEST(ArenaOperations, AreThoseOfTheWholeTensor) {
  for (const int64_t size : kSizes) {
    for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
      const at::Tensor one = at::arange(size, at::kFloat).mul(0.37).to(dtype);
      const at::Tensor other = at::arange(size, at::kFloat).mul(-1.1).add(3.0).to(dtype);
      const at::Tensor sum = one.clone();
      add_to_arena(sum, other);
      EXPECT_TRUE(at::equal(sum, one.add(other))) << size;
      copy_arena(sum, one);
      EXPECT_TRUE(at::equal(sum, one)) << size;
      EXPECT_TRUE(zero_arena(sum).eq(0.0).all().item<bool>()) << size;
    }
  }
}

TEST(ArenaOperations, CopyIntoAnotherType) {
  const at::Tensor wide = at::arange(200'001, at::kFloat).mul(0.7);
  const at::Tensor narrow = at::empty({200'001}, at::kBFloat16);
  copy_arena(narrow, wide);
  EXPECT_TRUE(at::equal(narrow, wide.to(at::kBFloat16)));
}

}  // namespace
}  // namespace strata
