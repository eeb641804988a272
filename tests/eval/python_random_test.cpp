// Against numbers that CPython 3.11 gave.
#include "eval/python.h"

#include <set>

namespace strata::eval {
namespace {

TEST(PythonRandom, DrawsBelowAsPython) {
  const std::vector<uint32_t> limits{1, 2, 3, 7, 8, 9, 570, 1U << 31, 4294967295U};
  const std::map<uint32_t, std::vector<uint32_t>> expected{
      {0, {0, 1, 0, 2, 7, 6, 310, 2046968324, 1537810351}},
      {1234, {0, 0, 0, 0, 0, 1, 100, 1523148328, 1017090249}},
      {4294967295U, {0, 0, 2, 4, 4, 5, 390, 1201118819, 1525079338}}};
  for (const auto& [seed, numbers] : expected) {
    PythonRandom random(seed);
    std::vector<uint32_t> drawn;
    for (const uint32_t limit : limits) drawn.push_back(random.below(limit));
    EXPECT_EQ(drawn, numbers) << seed;
  }
}

TEST(PythonRandom, SamplesAsPython) {
  EXPECT_THAT(PythonRandom(1234).sample(5, 5), testing::ElementsAre(3, 0, 4, 2, 1));
  EXPECT_THAT(PythonRandom(1234).sample(570, 5), testing::ElementsAre(451, 119, 7, 92, 35));
  EXPECT_THAT(PythonRandom(1234).sample(838, 5), testing::ElementsAre(796, 451, 119, 7, 92));
}

struct Sampled {
  size_t population, count;
  size_t sum;  // of (place from 1) * number over two samples in a row
};

// Both ways to sample, and the sizes at which CPython goes over from one to the other.
TEST(PythonRandom, ChoosesItsWayAsPython) {
  for (const Sampled& one : {Sampled{5, 5, 111},
                             {21, 5, 217},
                             {22, 5, 424},
                             {85, 6, 1451},
                             {86, 6, 2109},
                             {277, 21, 117281},
                             {278, 21, 119042},
                             {277, 22, 127417},
                             {278, 22, 129564},
                             {300, 22, 146653},
                             {570, 5, 7715},
                             {838, 5, 25224},
                             {1, 1, 0},
                             {9, 0, 0},
                             {4117, 300, 379470969}}) {
    PythonRandom random(1234);
    std::vector<size_t> both = random.sample(one.population, one.count);
    EXPECT_EQ(std::set(both.begin(), both.end()).size(), one.count);
    for (const size_t number : random.sample(one.population, one.count)) both.push_back(number);
    size_t sum = 0;
    for (size_t i = 0; i < both.size(); ++i) sum += (i + 1) * both[i];
    EXPECT_EQ(sum, one.sum) << one.population << " " << one.count;
  }
}

}  // namespace
}  // namespace strata::eval
