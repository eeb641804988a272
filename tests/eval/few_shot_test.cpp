#include "strata/eval/few_shot.h"

#include "support/errors.h"

namespace strata::eval {
namespace {

using strata::test::error_of;
using testing::ElementsAre;

ItemSet made_set(size_t items, size_t pool, Examples examples) {
  return {.name = "made",
          .description = "",
          .items = std::vector<Item>(items),
          .pool = std::vector<Item>(pool),
          .examples = examples};
}

TEST(FewShot, FirstOfThePool) {
  const ItemSet set = made_set(3, 6, Examples::kFirst);
  EXPECT_EQ(&example_pool(set), &set.pool);
  EXPECT_THAT(few_shot_examples(set, 2, 9), ElementsAre(ElementsAre(0, 1), ElementsAre(0, 1), ElementsAre(0, 1)));
}

TEST(FewShot, FirstOthersLeaveOutTheItemThatIsAsked) {
  const ItemSet set = made_set(4, 0, Examples::kFirstOthers);
  EXPECT_EQ(&example_pool(set), &set.items);
  EXPECT_THAT(few_shot_examples(set, 2, 4),
              ElementsAre(ElementsAre(1, 2), ElementsAre(0, 2), ElementsAre(0, 1), ElementsAre(0, 1)));
}

TEST(FewShot, SamplesDoNotDependOnHowManyItemsAreAsked) {
  const ItemSet set = made_set(9, 570, Examples::kSampled);
  const auto all = few_shot_examples(set, 5, 9);
  EXPECT_THAT(all[0], ElementsAre(451, 119, 7, 92, 35));
  const auto some = few_shot_examples(set, 5, 4);
  EXPECT_EQ(some, (std::vector<std::vector<size_t>>(all.begin(), all.begin() + 4)));
  EXPECT_NE(all[0], all[1]);
}

Item numbered(int number) { return {{std::to_string(number)}, {"a", "b"}, 0}; }

// Drawn by upstream's ContextSampler: the item among the first four or not, and a pool that holds it three times.
TEST(FewShot, OthersAreSampledAsUpstream) {
  ItemSet set = made_set(0, 0, Examples::kSampledOthers);
  for (int i = 0; i < 30; ++i) set.pool.push_back(numbered(i));
  for (const int asked : {24, 25, 99, 14, 1}) set.items.push_back(numbered(asked));
  EXPECT_THAT(few_shot_examples(set, 3, 5),
              ElementsAre(ElementsAre(14, 3, 0), ElementsAre(2, 29, 18), ElementsAre(1, 21, 22), ElementsAre(3, 24, 11),
                          ElementsAre(0, 25, 11)));
  set.pool.clear();
  for (const int number : {0, 1, 0, 2, 0, 3}) set.pool.push_back(numbered(number));
  set.items.assign(4, numbered(0));
  EXPECT_THAT(few_shot_examples(set, 3, 4),
              ElementsAre(ElementsAre(5, 1, 3), ElementsAre(1, 5, 3), ElementsAre(3, 1, 5), ElementsAre(3, 1, 5)));
  EXPECT_EQ(error_of([&] { few_shot_examples(set, 4, 4); }),
            "made: 4 examples are wanted for each item, there are 3 others");
  EXPECT_EQ(error_of([&] { few_shot_examples(set, 6, 4); }), "made: 6 examples are wanted for each item, there are 5");
}

TEST(FewShot, NoExamplesNeedNoPool) {
  EXPECT_THAT(few_shot_examples(made_set(1, 0, Examples::kFirstOthers), 0, 1), ElementsAre(ElementsAre()));
  EXPECT_THAT(few_shot_examples(made_set(1, 0, Examples::kSampled), 0, 1), ElementsAre(ElementsAre()));
}

TEST(FewShot, TooFewExamplesAreAnError) {
  const char* const problem = "made: 5 examples are wanted for each item, there are 4";
  EXPECT_EQ(error_of([] { few_shot_examples(made_set(9, 4, Examples::kFirst), 5, 9); }), problem);
  EXPECT_EQ(error_of([] { few_shot_examples(made_set(9, 4, Examples::kSampled), 5, 9); }), problem);
  EXPECT_EQ(error_of([] { few_shot_examples(made_set(5, 9, Examples::kFirstOthers), 5, 9); }), problem);
  EXPECT_EQ(few_shot_examples(made_set(6, 0, Examples::kFirstOthers), 5, 9).size(), 6U);
  EXPECT_THAT(error_of([] { few_shot_examples(made_set(9, 4, Examples::kFirst), -1, 9); }),
              testing::HasSubstr("-1 examples"));
}

}  // namespace
}  // namespace strata::eval
