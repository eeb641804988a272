// What runs hold in the end is what was planned before they began.
#include <regex>

#include "strata/base/check.h"
#include "support/places.h"
#include "support/small_run.h"

namespace strata::test {
namespace {

using testing::HasSubstr;

class RunMemory : public testing::Test {
 protected:
  void SetUp() override {
    if (is_sanitized()) GTEST_SKIP() << "NOT TESTED: a sanitizer's memory is in no plan";
  }

  // Percent by which the most that was resident is above the plan.
  static double above_plan(const Finished& run) {
    EXPECT_EQ(run.exit_code, 0) << run.err;
    std::smatch found;
    const std::regex line(R"(\nmemory: planned [0-9.]+ .B, resident at most [0-9.]+ .B \(([-+][0-9.]+) %\)\n)");
    EXPECT_TRUE(std::regex_search(run.out, found, line)) << run.out;
    return found.empty() ? 100.0 : std::stod(found[1].str());
  }

  void expect_as_planned(const std::string& run, const std::vector<std::string>& overrides) const {
    EXPECT_NEAR(above_plan(run_.pretrain(run, overrides)), 0.0, 5.0) << testing::PrintToString(overrides);
  }

  // The model of configs/model/9m.yaml on made-up text.
  static std::vector<std::string> nine_million(const std::vector<std::string>& more) {
    std::vector<std::string> overrides{"model={vocab: 32000, hidden: 128, intermediate: 352, layers: 4, heads: 4}",
                                       "data.sequence_length=256",
                                       "train.global_batch=32",
                                       "train.micro_batch=8",
                                       "train.steps=4",
                                       "checkpoint.every=2"};
    overrides.insert(overrides.end(), more.begin(), more.end());
    return overrides;
  }

  const SmallRun run_;
};

TEST_F(RunMemory, OfATinyModelIsThePlans) { expect_as_planned("tiny", {}); }

TEST_F(RunMemory, Of9mIsThePlans) {
  expect_as_planned("none", nine_million({}));
  expect_as_planned("layer", nine_million({"train.recompute=layer", "checkpoint.asynchronous=false"}));
  // Resumed, it reads a checkpoint before it steps.
  ASSERT_EQ(run_.pretrain("resumed", nine_million({"train.stop_after=2"})).exit_code, 0);
  expect_as_planned("resumed", nine_million({}));
}

// Chosen by itself where there is room, and the same bytes whichever it is.
TEST_F(RunMemory, RecomputationIsChosenAndKeepsTheBytes) {
  const Finished chosen = run_.pretrain("auto", {"train.recompute=auto"});
  EXPECT_THAT(chosen.out, HasSubstr(", recompute none\n    program and libraries "));
  ASSERT_EQ(run_.pretrain("layer", {"train.recompute=layer"}).exit_code, 0);
  EXPECT_EQ(run_.weights("auto", 9), run_.weights("layer", 9));
  EXPECT_NE(run_.weights("auto", 9), "");
}

// 33 million tokens at once: more than any memory holds, and found out before any is taken or data is read.
TEST_F(RunMemory, IsRefusedWhereItCannotFit) {
  for (const char* recompute : {"auto", "ffn"}) {
    const Finished refused =
        run_.pretrain("huge", {"model.intermediate=65536", "train.global_batch=1048576", "train.micro_batch=1048576",
                               "data.prefetch=1", str("train.recompute=", recompute),
                               str("data.cache=", (run_ / "unread").string())});
    EXPECT_EQ(refused.exit_code, kWrongUsage) << refused.err;
    EXPECT_THAT(refused.err, HasSubstr("train.micro_batch=1048576 with train.recompute="));
    EXPECT_THAT(refused.err,
                testing::ContainsRegex(" TB of memory, [0-9.]+ .B are there; train.micro_batch=[0-9]+ with"));
    EXPECT_FALSE(std::filesystem::exists(run_ / "huge"));
    EXPECT_FALSE(std::filesystem::exists(run_ / "unread"));  // nor were data tokenized
  }
}

}  // namespace
}  // namespace strata::test
