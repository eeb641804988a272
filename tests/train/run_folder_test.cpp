#include "strata/train/run_folder.h"

#include <cstring>
#include <nlohmann/json.hpp>

#include "strata/train/tensorboard.h"
#include "support/temp_folder.h"

namespace strata::train {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Records of an event file, without their lengths and checksums.
std::vector<std::string> events_of(const std::filesystem::path& run) {
  std::vector<std::string> events;
  for (const auto& entry : std::filesystem::directory_iterator(run / "tb")) {
    const std::string bytes = test::read_file(entry.path());
    for (size_t at = 0; at < bytes.size();) {
      uint64_t size = 0;
      std::memcpy(&size, bytes.data() + at, sizeof size);
      events.push_back(bytes.substr(at + 12, size));
      at += 12 + size + 4;
    }
  }
  return events;
}

TEST(Logs, OfLongRunsStaySmall) {
  std::vector<int64_t> logged;
  for (int64_t step = 1; step <= 40'000; ++step) {
    if (is_logged(step, 1000)) logged.push_back(step);
  }
  EXPECT_EQ(logged.size(), 1000U + 900U + 300U);
  EXPECT_EQ(logged[999], 1000);
  EXPECT_EQ(logged[1000], 1010);
  EXPECT_EQ(logged[1900], 10'100);
  EXPECT_EQ(logged.back(), 40'000);
}

class Tensorboard : public testing::Test {
 protected:
  Tensorboard() {
    config_.norm.scheme = "pre+gpas";
    config_.run.dir = run_.path();
  }

  // The events of a process that goes on behind step `kept`, after its version, start, config and settings.
  template <class Log>
  std::vector<std::string> events_of_lines(int64_t kept, bool trains_gates, const Log& log) const {
    RunLogs logs(run_.path(), kept, true);
    draw_in_tensorboard(logs, config_, kept, trains_gates);
    log(logs);
    auto events = events_of(run_.path());
    events.erase(events.begin(), events.begin() + kOpening);
    return events;
  }

  static constexpr int64_t kOpening = 4;
  const test::TempFolder run_;
  config::RunConfig config_;
};

// Readers forget what a killed run wrote of the steps that are made again, and of a run that is begun anew all of it.
TEST_F(Tensorboard, SaysWhereAProcessBegins) {
  for (const auto& [kept, step] : {std::pair{300, std::string("\xAD\x02")}, std::pair{-1, std::string(1, '\0')}}) {
    events_of_lines(kept, true, [](RunLogs&) {});
    // wall_time = 1 (8 bytes), step = 2 (301 as a varint), session_log = 7 {status = 1: START}
    EXPECT_EQ(events_of(run_.path())[1].substr(9), "\x10" + step + "\x3A\x02\x08\x01");
    std::filesystem::remove_all(run_ / "tb");
  }
}

TEST_F(Tensorboard, BeginsWithTheConfig) {
  events_of_lines(-1, true, [](RunLogs&) {});
  const auto events = events_of(run_.path());
  EXPECT_THAT(events[2], AllOf(HasSubstr("config"), HasSubstr("\n      scheme: pre+gpas\n")));
  EXPECT_THAT(events[3], AllOf(HasSubstr("_hparams_/session_start_info"), HasSubstr("norm.scheme"),
                               Not(HasSubstr("checkpoint.every"))));
}

TEST_F(Tensorboard, DrawsTheFieldsThatTheTableSays) {
  const auto events = events_of_lines(-1, false, [](RunLogs& logs) {
    logs.metrics.append({{"step", 1}, {"loss", 2.5}, {"gate_grad_norm", 0.0}, {"clip", 1.0}});
    logs.metrics.append({{"step", 2}, {"loss", nullptr}});
    logs.layers.append({{"step", 2}, {"weight_norm", {1.5, 2.5}}, {"gate_factor", {1, 2, 3, 4}}});
    logs.evaluations.append({{"step", 2}, {"loss", 2.0}, {"perplexity", 7.4}, {"seconds", 1.0}});
    logs.tasks->append({{"step", 2}, {"piqa", {{"acc", 0.5}, {"acc_stderr", nullptr}}}, {"average", 0.5}});
  });
  ASSERT_EQ(events.size(), 4U);  // nothing of the step without a loss
  // simple_value = 2: 2.5 in fp32
  EXPECT_THAT(events[0], HasSubstr(std::string("train/loss\x15\0\0\x20\x40", 15)));
  EXPECT_THAT(events[0], AllOf(Not(HasSubstr("gate_grad_norm")), Not(HasSubstr("clip"))));
  EXPECT_THAT(events[1], AllOf(HasSubstr("layers/weight_norm/01"), HasSubstr("layers/gate_factor/00_attention"),
                               HasSubstr("layers/gate_factor/01_feed_forward")));
  EXPECT_THAT(events[2], AllOf(HasSubstr("eval/loss"), HasSubstr("eval/perplexity"), Not(HasSubstr("seconds"))));
  EXPECT_THAT(events[3], AllOf(HasSubstr("tasks/piqa/acc\x15"), HasSubstr("tasks/average")));
}

TEST_F(Tensorboard, HasFewerPointsOfLongRunsButEveryEvaluation) {
  const auto events = events_of_lines(10'000, true, [](RunLogs& logs) {
    for (int64_t step = 10'001; step <= 10'030; ++step) {
      logs.metrics.append({{"step", step}, {"loss", 1.0}});
      if (step % 5 == 0) logs.evaluations.append({{"step", step}, {"loss", 1.0}});
    }
  });
  EXPECT_EQ(events.size(), 3U + 6U);
}

// Of what an older version called its fields, too.
TEST(Logs, KeepTheLinesOfARunThatGoesOn) {
  const test::TempFolder run;
  const std::string kept = "{\"step\":5,\"loss\":2.0,\"ppl\":7.4,\"ppl_paper\":5.1}\n";
  test::write_file(run / "eval.jsonl", kept + "{\"step\":9,\"loss\":1.0,\"ppl\":2.7,\"ppl_paper\":2.0}\n");
  RunLogs logs(run.path(), 8);
  EXPECT_EQ(test::read_file(run / "eval.jsonl"), kept);
  EXPECT_EQ(logs.evaluations.last(), 5);
}

}  // namespace
}  // namespace strata::train
