#include "strata/workers/introduction.h"

#include <future>

#include "support/errors.h"

namespace strata::workers {
namespace {

using testing::HasSubstr;

constexpr std::chrono::seconds kPatience{20};

Introduction introduction(int rank) {
  return {.host = rank < 2 ? "a" : "b", .pid = 70 + rank, .must_agree = {{"config", "1234"}, {"threads", "2"}}};
}

// Every one of these introduces itself; what each gets to know, or its error.
std::vector<std::future<std::vector<Introduction>>> introduce_all(const Store& store,
                                                                  const std::vector<Introduction>& workers) {
  std::vector<std::future<std::vector<Introduction>>> results;
  const int world_size = static_cast<int>(workers.size());
  for (int rank = 0; rank < world_size; ++rank) {
    const Introduction& mine = workers[static_cast<size_t>(rank)];
    const Worker worker{.rank = rank, .world_size = world_size};
    results.push_back(std::async(std::launch::async, [own = store.another_connection(), worker, mine] {
      return introduce(own, worker, mine, kPatience);
    }));
  }
  return results;
}

TEST(Introduction, SurvivesJson) {
  const Introduction all{
      .host = "node \"1\"", .pid = 71, .device = "H100", .gpu = "GPU-1", .must_agree = {{"z", "1"}, {"a", "2"}}};
  EXPECT_EQ(introduction_of_json(to_json(all), "test"), all);
}

TEST(Introduction, NamesTheSourceOfWhatIsNone) {
  for (const char* text : {"{\"host\":\"a\"}", "[1]", "{", R"({"host":1,"pid":1,"device":"","must_agree":[]})"}) {
    EXPECT_THAT(test::error_of([&] { introduction_of_json(text, "rank 3"); }), testing::StartsWith("rank 3:")) << text;
  }
}

TEST(Introduce, TellsEveryoneOfEveryone) {
  const Store store = Store::serve(0);
  const std::vector<Introduction> workers = {introduction(0), introduction(1), introduction(2)};
  for (auto& result : introduce_all(store, workers)) EXPECT_EQ(result.get(), workers);
}

TEST(Introduce, NamesTheRanksThatHaveOneGpu) {
  const Store store = Store::serve(0);
  std::vector<Introduction> workers = {introduction(0), introduction(1), introduction(2)};
  workers[0].gpu = "GPU-1";
  workers[1].gpu = "GPU-1";
  workers[2].gpu = "GPU-2";
  for (auto& result : introduce_all(store, workers)) {
    EXPECT_THAT(test::error_of([&] { result.get(); }), HasSubstr("ranks 0 and 1 have the same GPU of a:"));
  }
}

TEST(Introduce, NamesTheRanksThatDoNotCome) {
  const Store store = Store::serve(0);
  for (const int rank : {0, 1, 3, 4, 6, 7}) {
    const Worker worker{.rank = rank, .world_size = 8};
    EXPECT_EQ(test::error_of([&] {
                introduce(store, worker, introduction(rank), std::chrono::milliseconds(0));
              }).substr(0, 4),
              "rank");
  }
  const Worker worker{.rank = 0, .world_size = 8};
  EXPECT_EQ(test::error_of([&] { introduce(store, worker, introduction(0), std::chrono::milliseconds(500)); }),
            "ranks 2 and 5 of 8 did not come within 0.5 s");
}

TEST(Introduce, NamesWhatDiffersAndWhereOnEveryRank) {
  const Store store = Store::serve(0);
  std::vector<Introduction> workers = {introduction(0), introduction(1), introduction(2), introduction(3)};
  workers[1].must_agree[0].second = "5678";
  workers[3].must_agree[0].second = "5678";
  workers[3].must_agree.push_back({"gemm", "blis"});
  testing::internal::CaptureStderr();
  for (auto& result : introduce_all(store, workers)) {
    EXPECT_EQ(test::error_of([&] { result.get(); }),
              "the workers do not agree: other than on rank 0 is config on ranks 1 and 3; gemm on rank 3");
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "error: the workers do not agree:\n"
            "  rank   host   config   gemm\n"
            "  0, 2   a, b   1234     -\n"
            "  1      a      5678     -\n"
            "  3      b      5678     blis\n");
}

TEST(Introduce, IsWrongUsageWhereTheyDiffer) {
  const Store store = Store::serve(0);
  std::vector<Introduction> workers = {introduction(0), introduction(1)};
  workers[1].must_agree[1].second = "4";
  for (auto& result : introduce_all(store, workers)) EXPECT_THROW(result.get(), UsageError);
}

TEST(Ranks, AreListedInFewWords) {
  EXPECT_EQ(list_ranks({0, 1, 2, 3, 5}), "0-3, 5");
  EXPECT_EQ(list_ranks({0, 1, 4}), "0, 1, 4");
  EXPECT_EQ(name_ranks({2}), "rank 2");
  EXPECT_EQ(name_ranks({2, 5}), "ranks 2 and 5");
  EXPECT_EQ(name_ranks({0, 1, 2, 3}), "ranks 0-3");
  EXPECT_EQ(name_ranks({0, 1, 2, 3, 5, 7, 8}), "ranks 0-3, 5, 7 and 8");
}

}  // namespace
}  // namespace strata::workers
