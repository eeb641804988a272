#include "eval_progress.h"

#include <unistd.h>

#include <cmath>
#include <iostream>

#include "strata/base/text.h"

namespace strata::tools {
namespace {

constexpr double kTerminalSeconds = 0.2;
constexpr double kPlainSeconds = 5.0;

std::string rate_text(double rate) { return rate < 1000.0 ? significant(rate, 3) : with_commas(std::llround(rate)); }

}  // namespace

EvalProgress::EvalProgress(int64_t total, bool quiet, std::string unit)
    : total_(total), quiet_(quiet), terminal_(isatty(STDOUT_FILENO) != 0), unit_(std::move(unit)) {}

void EvalProgress::show(const std::string& part, int64_t done, int64_t of) {
  if (part != part_) {
    part_ = part;
    before_ += done_;
  }
  done_ = done;
  const auto now = Clock::now();
  const double since = std::chrono::duration<double>(now - shown_).count();
  if (quiet_ || since < (terminal_ ? kTerminalSeconds : kPlainSeconds)) return;
  shown_ = now;
  shown_once_ = true;
  const int64_t scored = before_ + done_;
  const double rate = static_cast<double>(scored) / std::chrono::duration<double>(now - begun_).count();
  std::cout << (terminal_ ? "\r" : "") << part << "  " << with_commas(done) << " of " << with_commas(of) << " " << unit_
            << "  " << rate_text(rate) << " " << unit_ << "/s  "
            << human_seconds(static_cast<double>(total_ - scored) / std::max(rate, 1e-9)) << " left"
            << (terminal_ ? "\033[K" : "\n") << std::flush;
}

void EvalProgress::end() const {
  if (terminal_ && shown_once_) std::cout << "\n" << std::flush;
}

}  // namespace strata::tools
