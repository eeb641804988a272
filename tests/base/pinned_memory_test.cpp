#include "strata/base/pinned_memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <stdexcept>

#include "strata/base/allocator.h"

namespace strata {
namespace {

std::map<void*, size_t> locked;

class PinnedMemory : public testing::Test {
 protected:
  PinnedMemory() {
    use_page_locks(
        {[](void* begin, size_t bytes) { locked[begin] = bytes; }, [](void* begin) { locked.erase(begin); }});
  }
  ~PinnedMemory() override { use_page_locks({}); }

  const size_t page_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
};

// 5 pages and one element: a power of two would be 8.
TEST_F(PinnedMemory, TakesWholePagesAndNoMore) {
  const auto elements = static_cast<int64_t>(5 * page_ / sizeof(float)) + 1;
  {
    const at::Tensor memory = pinned_memory({elements}, at::kFloat);
    ASSERT_EQ(locked.size(), 1U);
    EXPECT_EQ(locked.at(memory.data_ptr()), 6 * page_);
    EXPECT_EQ(memory.numel(), elements);
    memory.fill_(2.0F);
    EXPECT_EQ(memory.sum().item<float>(), 2.0F * static_cast<float>(elements));
  }
  EXPECT_TRUE(locked.empty());
}

TEST_F(PinnedMemory, IsGivenBackWhereItCannotBeLocked) {
  use_page_locks({[](void*, size_t) { throw std::runtime_error("no more"); }, [](void*) { FAIL(); }});
  EXPECT_THROW(pinned_memory({7, 3}, at::kBFloat16), std::runtime_error);
}

TEST_F(PinnedMemory, MayBeEmpty) { EXPECT_EQ(pinned_memory({0}, at::kFloat).numel(), 0); }

}  // namespace
}  // namespace strata
