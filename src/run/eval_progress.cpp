#include "eval_progress.h"

#include <algorithm>
#include <cmath>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"

namespace strata::run {
namespace {

constexpr double kTerminalSeconds = 0.2;
constexpr double kPlainSeconds = 5.0;

std::string rate_text(double rate) { return rate < 1000.0 ? significant(rate, 3) : with_commas(std::llround(rate)); }

}  // namespace

EvalProgress::EvalProgress(int64_t total, bool quiet, std::string unit)
    : total_(total), quiet_(quiet), unit_(std::move(unit)) {}

void EvalProgress::show(const std::string& part, int64_t done, int64_t of) {
  if (part != part_) {
    part_ = part;
    before_ += done_;
  }
  done_ = done;
  const auto now = Clock::now();
  const double since = std::chrono::duration<double>(now - shown_).count();
  if (quiet_ || since < (log::progress_stays_in_place() ? kTerminalSeconds : kPlainSeconds)) return;
  shown_ = now;
  const int64_t scored = before_ + done_;
  const double rate = static_cast<double>(scored) / std::chrono::duration<double>(now - begun_).count();
  log::progress(str(part, "  ", with_commas(done), " of ", with_commas(of), " ", unit_, "  ", rate_text(rate), " ",
                    unit_, "/s  ", human_seconds(static_cast<double>(total_ - scored) / std::max(rate, 1e-9)),
                    " left"));
}

}  // namespace strata::run
