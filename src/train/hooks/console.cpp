#include <chrono>
#include <cstdio>
#include <iostream>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/train/hooks.h"

namespace strata::train {
namespace {

using Clock = std::chrono::steady_clock;

std::string scientific(double value) {
  char buffer[32];
  const int length = std::snprintf(buffer, sizeof(buffer), "%.2e", value);
  return {buffer, static_cast<size_t>(length)};
}

class Console final : public Hook {
 public:
  explicit Console(const ConsoleFacts& facts) : facts_(facts) {}

  // What happens before the first step is not its time.
  void before_step(int64_t) override {
    if (!started_ && steps_ == 0) shown_ = Clock::now();
  }

  void after_step(const StepReport& report, const Progress& progress) override {
    const auto now = Clock::now();
    waited_ += report.wait_seconds;
    communication_.busy_seconds += report.communication.busy_seconds;
    communication_.waited_seconds += report.communication.waited_seconds;
    tokens_ += report.tokens;
    ++steps_;
    const double since_shown = std::chrono::duration<double>(now - shown_).count();
    const bool last = report.step == facts_.last_step;
    if (since_shown < log::progress_interval() && !last && started_) return;
    show(report, progress, since_shown);
    started_ = true;
    shown_ = now;
    tokens_ = steps_ = 0;
  }

  void at_end(const Progress&) override {
    if (!started_) return;
    const double seconds = std::chrono::duration<double>(Clock::now() - begun_).count();
    log::end_progress();
    std::cout << "waited for data " << fixed(waited_, 2) << " s of " << human_seconds(seconds);
    if (communication_.busy_seconds > 0.0) {
      std::cout << ", for other workers " << fixed(communication_.waited_seconds, 2) << " s; "
                << fixed(communication_.busy_seconds, 2) << " s of communication";
    }
    std::cout << "\n" << std::flush;
  }

 private:
  void show(const StepReport& report, const Progress& progress, double seconds) const {
    const double rate = static_cast<double>(tokens_) / seconds;
    const double share = 100.0 * rate * facts_.flops_per_token / (facts_.peak_gflops * 1e9);
    const double left = static_cast<double>(facts_.last_step - report.step) * seconds / static_cast<double>(steps_);
    const auto total = std::to_string(facts_.last_step);
    const std::string skipped = progress.skipped > 0 ? str("  ", progress.skipped, " skipped") : "";
    log::progress(str("step ", padded(std::to_string(report.step), -static_cast<int>(total.size())), "/", total,
                      "  loss ", fixed(report.loss, 4), "  lr ", scientific(report.rate), "  |g| ",
                      fixed(report.norms.global, 3), "  ", with_commas(static_cast<int64_t>(rate)), " tokens/s (",
                      fixed(share, 0), "% of GEMM rate)  ", human_seconds(left), " left", skipped));
  }

  ConsoleFacts facts_;
  bool started_ = false;
  Clock::time_point begun_ = Clock::now();
  Clock::time_point shown_ = begun_;
  double waited_ = 0.0;
  workers::CommunicationTime communication_;
  int64_t tokens_ = 0;
  int64_t steps_ = 0;
};

}  // namespace

std::unique_ptr<Hook> console(const ConsoleFacts& facts) { return std::make_unique<Console>(facts); }

}  // namespace strata::train
