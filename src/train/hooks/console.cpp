#include <chrono>
#include <cmath>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/train/hooks.h"

namespace strata::train {
namespace {

using Clock = std::chrono::steady_clock;

class Console final : public Hook {
 public:
  explicit Console(const ConsoleFacts& facts) : facts_(facts) {}

  void after_step(const StepReport& report, const Progress& progress) override {
    waited_ += report.wait_seconds;
    communication_.busy_seconds += report.communication.busy_seconds;
    communication_.waited_seconds += report.communication.waited_seconds;
    tokens_ += report.tokens;
    ++steps_;
    seconds_ += report.seconds;
    const bool is_first_or_last = !started_ || report.step == facts_.last_step;
    if (!pace_.is_due() && !is_first_or_last) return;
    show(report, progress);
    started_ = true;
    tokens_ = steps_ = 0;
    seconds_ = 0.0;
  }

  void at_end(const Progress&) override {
    if (!started_) return;
    const double seconds = std::chrono::duration<double>(Clock::now() - begun_).count();
    std::string text = str("waited for data ", fixed(waited_, 2), " s of ", human_seconds(seconds));
    if (communication_.busy_seconds > 0.0) {
      text += str(", for other workers ", fixed(communication_.waited_seconds, 2), " s; ",
                  fixed(communication_.busy_seconds, 2), " s of communication");
    }
    log::say(text);
  }

 private:
  void show(const StepReport& report, const Progress& progress) const {
    const double rate = static_cast<double>(tokens_) / seconds_;
    const double share = 100.0 * rate * facts_.flops_per_token / (facts_.peak_gflops * 1e9);
    const double left = static_cast<double>(facts_.last_step - report.step) * seconds_ / static_cast<double>(steps_);
    const auto total = std::to_string(facts_.last_step);
    std::vector<log::Part> parts{
        {str("step ", padded(std::to_string(report.step), -static_cast<int>(total.size())), "/", total), 5},
        {report.targets > 0 ? str("loss ", fixed(report.loss, 4)) : "no targets", 4},
        {str("lr ", scientific(report.rate, 2)), 1},
        {str("|g| ", fixed(report.norms.global, 3)), 2},
        {str(with_commas(std::llround(rate)), " tokens/s"), 5},
        {str("(", fixed(share, 0), "% of GEMM rate)"), 0},
        {str(human_seconds(left), " left"), 5}};
    if (progress.skipped > 0) parts.push_back({str(progress.skipped, " skipped"), 3});
    log::progress(parts);
  }

  ConsoleFacts facts_;
  bool started_ = false;
  Clock::time_point begun_ = Clock::now();
  log::Pace pace_;
  double waited_ = 0.0;
  workers::CommunicationTime communication_;
  double seconds_ = 0.0;  // of the steps since a line was shown
  int64_t tokens_ = 0;
  int64_t steps_ = 0;
};

}  // namespace

std::unique_ptr<Hook> console(const ConsoleFacts& facts) { return std::make_unique<Console>(facts); }

}  // namespace strata::train
