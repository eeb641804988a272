#include "strata/train/run_folder.h"

#include <cstring>

#include "strata/train/hooks.h"
#include "support/temp_folder.h"

namespace strata::train {
namespace {

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

// Readers forget what a killed run wrote of the steps that are made again.
TEST(Logs, OfTensorBoardSayWhereAProcessBegins) {
  const test::TempFolder run;
  Progress progress;
  progress.step = 300;
  const auto hook = tensorboard_files(run.path(), progress);
  StepReport report;
  for (report.step = 301; report.step <= 303; ++report.step) hook->after_step(report, progress);
  const auto events = events_of(run.path());
  ASSERT_EQ(events.size(), 5U);
  // wall_time = 1 (8 bytes), step = 2 (301 as a varint), session_log = 7 {status = 1: START}
  EXPECT_EQ(events[1].substr(9), "\x10\xAD\x02\x3A\x02\x08\x01");
}

}  // namespace
}  // namespace strata::train
