#include "strata/eval/request.h"

#include <random>

#include "strata/base/threads.h"
#include "strata/eval/few_shot.h"
#include "support/data_fixtures.h"
#include "support/test_data.h"

namespace strata::eval {
namespace {

using data::Tokenizer;
using data::test::small_tokenizer;
using strata::test::error_of;
using testing::ElementsAre;

data::Tokenizer t5() { return Tokenizer(strata::test::test_data() / "t5/spiece.model"); }

ItemSet set_of(std::vector<Item> items) {
  return {.name = "made", .description = "", .items = std::move(items), .pool = {}};
}

constexpr RequestOptions kAlone{.shots = 0};

TEST(Requests, SplitWhatIsEncodedTogether) {
  STRATA_NEEDS_TEST_DATA();
  const Tokenizer tokenizer = t5();
  const ItemSet set = set_of({{{"Where? \n"}, {"at home", " there"}, 1}});
  for (const auto& make : {make_requests, make_requests_jointly}) {
    const std::vector<AskedItem> asked = make(set, tokenizer, kAlone);
    ASSERT_EQ(asked.size(), 1U);
    EXPECT_THAT(asked[0].choices, ElementsAre(Request{tokenizer.encode("Where?"), tokenizer.encode("at home")},
                                              Request{tokenizer.encode("Where?"), tokenizer.encode("there")}));
    EXPECT_THAT(asked[0].choice_characters, ElementsAre(7, 6));
    EXPECT_EQ(asked[0].gold, 1);
  }
}

TEST(Requests, OnlyAnEmptyContextIsTheEndToken) {
  const auto tokenizer = small_tokenizer();
  const ItemSet set = set_of({{{""}, {"bado", "fegi"}, 0}});
  for (const auto& make : {make_requests, make_requests_jointly}) {
    for (const bool append_eos : {false, true}) {
      const auto asked = make(set, *tokenizer, {.shots = 0, .append_eos = append_eos});
      EXPECT_EQ(asked[0].choices[1], (Request{{Tokenizer::kEos}, tokenizer->encode("fegi")}));
    }
    EXPECT_EQ(error_of([&] {
                make(set_of({{{" \n"}, {"bado", "fegi"}, 0}}), *tokenizer, kAlone);
              }),
              "made: item 0: the context is blank");
  }
}

TEST(Requests, AnAppendedEndTokenTakesTheFirstOfTheChoice) {
  const auto tokenizer = small_tokenizer();
  const auto make_one = [&](const std::string& choice) {
    return make_requests(set_of({{{"kulo"}, {choice, "bado"}, 0}}), *tokenizer, {.shots = 0, .append_eos = true})[0]
        .choices[0];
  };
  std::vector<int32_t> context = tokenizer->encode("kulo"), rest = tokenizer->encode("bado fegi");
  context.push_back(Tokenizer::kEos);
  rest.erase(rest.begin());
  rest.push_back(Tokenizer::kEos);
  EXPECT_EQ(make_one("bado fegi"), (Request{context, rest}));
}

TEST(Requests, AChoiceWithoutTokensIsAnError) {
  const auto tokenizer = small_tokenizer();
  const ItemSet set = set_of({{{"kulo"}, {"a", "b"}, 0}, {{"kulo"}, {"a", " "}, 0}});
  for (const auto& make : {make_requests, make_requests_jointly}) {
    for (const bool append_eos : {false, true}) {
      EXPECT_EQ(error_of([&] { make(set, *tokenizer, {.shots = 0, .append_eos = append_eos}); }),
                "made: item 1: choice 2 has no tokens");
    }
  }
}

TEST(Requests, AreFedWithoutTheirBeginningIfTheyAreLong) {
  const Request request{{1, 2, 3, 4}, {5, 6, 7}};
  EXPECT_THAT(fed(request, 100), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(fed(request, 6), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(fed(request, 5), ElementsAre(2, 3, 4, 5, 6));
  EXPECT_THAT(fed(request, 3), ElementsAre(4, 5, 6));
  EXPECT_EQ(error_of([&] { fed(request, 2); }), "a choice has 3 tokens, the model takes at most 2");
}

// Words of odd characters: white space of every kind, marks that combine, what T5 does not know, broken up at random.
std::string odd_text(std::mt19937& random) {
  static const std::vector<std::string> parts{" ",
                                              "  ",
                                              "\n",
                                              "\n\n",
                                              "\t",
                                              "\xC2\xA0",
                                              "\xE3\x80\x80",
                                              "\xE2\x80\x8B",
                                              "a",
                                              "the",
                                              "0.5",
                                              "17",
                                              "$x^2$",
                                              "Answer",
                                              "\xCC\x81",
                                              "\xCC\x88",
                                              "e\xCC\x81",
                                              "\xEF\xAC\x81",
                                              "\xC2\xA8",
                                              "\xE4\xB8\xAD",
                                              "\xF0\x9F\x98\x80",
                                              "\xE2\x96\x81",
                                              "_",
                                              "</s>",
                                              "-",
                                              "ing",
                                              "Un",
                                              "\xC3\x9F",
                                              "\xE2\x84\xA2"};
  std::string text;
  for (auto count = random() % 12; count > 0; --count) text += parts[random() % parts.size()];
  return text;
}

TEST(Requests, OfOddTextsAreTheSameWordByWord) {
  STRATA_NEEDS_TEST_DATA();
  const Tokenizer tokenizer = t5();
  ASSERT_TRUE(tokenizer.splits_at_spaces());
  std::mt19937 random(3);
  ItemSet set = set_of({});
  for (int i = 0; i < 3000; ++i) {
    Item item{{"x" + odd_text(random)}, {"y" + odd_text(random), odd_text(random) + "z"}, i % 2};
    if (i % 3 == 0) item.contexts.push_back(odd_text(random) + "x");
    set.items.push_back(std::move(item));
  }
  for (const bool append_eos : {false, true}) {
    const RequestOptions options{.shots = 3, .append_eos = append_eos};
    const auto words = make_requests(set, tokenizer, options), whole = make_requests_jointly(set, tokenizer, options);
    for (size_t i = 0; i < whole.size(); ++i) EXPECT_EQ(words[i].choices, whole[i].choices) << i;
  }
}

// The same text in pieces; which pieces may differ in words that can be cut in two ways as good to a few digits.
TEST(Requests, OfAllTasksAreTheSameWordByWord) {
  STRATA_NEEDS_TEST_DATA();
  const Tokenizer tokenizer = t5();
  int compared = 0, cut_otherwise = 0;
  for (LoadedTask& task : load_tasks(task_registry().names(), strata::test::test_data() / "eval")) {
    for (ItemSet& set : task.sets) {
      std::ranges::shuffle(set.items, std::mt19937(5));
      const RequestOptions options{.shots = 5, .limit = 100};
      const auto words = make_requests(set, tokenizer, options), whole = make_requests_jointly(set, tokenizer, options);
      ASSERT_EQ(words.size(), whole.size());
      for (size_t i = 0; i < whole.size(); ++i, ++compared) {
        if (set.items[i].contexts[0].find("\xC2\x85") != std::string::npos) continue;  // no space for sentencepiece
        for (size_t j = 0; j < whole[i].choices.size(); ++j) {
          const Request &one = words[i].choices[j], &other = whole[i].choices[j];
          EXPECT_EQ(tokenizer.decode(one.context), tokenizer.decode(other.context)) << set.name << " " << i;
          EXPECT_EQ(one.continuation, other.continuation) << set.name << " " << i;
        }
        cut_otherwise += words[i].choices == whole[i].choices ? 0 : 1;
      }
    }
  }
  EXPECT_GT(compared, 6000);
  EXPECT_LT(cut_otherwise, compared / 10);  // some subjects have such a word in an example
}

TEST(Requests, DoNotDependOnThreadsOrOnTheLimit) {
  STRATA_NEEDS_TEST_DATA();
  const Tokenizer tokenizer = t5();
  const ItemSet set = load_tasks({"arc_easy"}, strata::test::test_data() / "eval")[0].sets[0];
  const int before = num_threads();
  set_num_threads(1);
  const auto one = make_requests(set, tokenizer, {.limit = 300});
  set_num_threads(2);
  const auto two = make_requests(set, tokenizer, {.limit = 200});
  set_num_threads(before);
  ASSERT_EQ(one.size(), 300U);
  ASSERT_EQ(two.size(), 200U);
  for (size_t i = 0; i < two.size(); ++i) {
    EXPECT_EQ(one[i].choices, two[i].choices);
    EXPECT_EQ(one[i].examples, two[i].examples);
  }
}

}  // namespace
}  // namespace strata::eval
