#include "strata/data/prefetcher.h"

#include <atomic>
#include <stdexcept>

namespace strata::data {
namespace {

TEST(Prefetcher, KeepsTheOrderAndStaysWithinItsBound) {
  std::atomic<int> made{0};
  Prefetcher<int> prefetcher(3, [&] { return made++; });
  for (int taken = 0; taken < 1'000; ++taken) {
    EXPECT_EQ(prefetcher.next(), taken);
    EXPECT_LE(made, taken + 1 + 3 + 1);  // taken, ready, and the one in the making
  }
}

TEST(Prefetcher, AFailureComesAfterWhatWasMadeBeforeIt) {
  Prefetcher<int> prefetcher(10, [made = 0]() mutable {
    if (made == 3) throw std::runtime_error("the fourth fails");
    return made++;
  });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(prefetcher.next(), i);
  EXPECT_THROW(prefetcher.next(), std::runtime_error);
  EXPECT_THROW(prefetcher.next(), std::runtime_error);
}

TEST(Prefetcher, EndsWithAFullQueue) {
  Prefetcher<int> prefetcher(1, [] { return 0; });
  prefetcher.next();
}

}  // namespace
}  // namespace strata::data
