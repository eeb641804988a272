#include "strata/train/trainer.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>
#include <utility>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/train/run_folder.h"

namespace strata::train {
namespace {

std::string numbers_of(const StepReport& report) {
  return str("step ", report.step, ": loss ", report.loss, ", gradient norm ", report.norms.global);
}

// Goes on, with a warning, or throws: what the config says of a step that is not like others.
void judge(const StepReport& report, const config::TrainConfig& config) {
  const std::string numbers = numbers_of(report);
  if (!report.finite) {
    STRATA_CHECK(config.on_nonfinite == config::OnNonfinite::kSkip, numbers,
                 "; nothing was changed and no checkpoint written (train.on_nonfinite: skip would go on)");
    log::warn(numbers + "; update skipped");
  }
  if (!report.spike) return;
  const std::string spike =
      str(numbers, ", a spike: ", fixed(report.scores.loss, 1), " and ", fixed(report.scores.grad_norm, 1),
          " standard deviations above the last ", config.spike.window, " steps");
  STRATA_CHECK(config.spike.action != config::SpikeAction::kStop, spike,
               "; nothing was changed and no checkpoint written (train.spike.action: skip would go on)");
  log::warn(spike + (report.updated ? "" : "; update skipped"));
}

using Clock = std::chrono::steady_clock;
using NextBatch = std::function<std::optional<data::GlobalBatch>()>;

std::optional<data::GlobalBatch> timed(const NextBatch& next_batch, double& seconds) {
  const auto start = Clock::now();
  auto batch = next_batch();
  seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return batch;
}

// A step that was started and has not been read, and where the run stands after it.
struct Pending {
  StartedStep step;
  double wait_seconds = 0.0;
  data::OrderCursor end;
};

class Loop {
 public:
  Loop(Step& step, const config::TrainConfig& config, const std::vector<std::unique_ptr<Hook>>& hooks,
       Progress& progress)
      : step_(step), config_(config), hooks_(hooks), progress_(progress) {}

  bool is_state_needed_after(int64_t step) const {
    return step_.updates_depend_on_spikes() ||
           std::ranges::any_of(hooks_, [&](const auto& hook) { return hook->needs_state_after(step); });
  }

  void start() {
    for (const auto& hook : hooks_) hook->at_start(progress_);
    free_since_ = Clock::now();
  }

  void announce(int64_t index) const {
    for (const auto& hook : hooks_) hook->before_step(index);
  }

  void announce_start(int64_t step) const {
    for (const auto& hook : hooks_) hook->step_started(step);
  }

  void read(const Pending& pending) {
    StepReport report = step_.read(pending.step, progress_.spikes);
    report.seconds = std::chrono::duration<double>(Clock::now() - free_since_).count();
    report.wait_seconds = pending.wait_seconds;
    judge(report, config_);
    ++progress_.step;
    progress_.tokens += report.tokens;
    progress_.skipped += report.updated ? 0 : 1;
    progress_.cursor = pending.end;
    if (report.finite && report.targets > 0)
      remember(config_.spike, progress_.spikes, report.loss, report.norms.global);
    for (const auto& hook : hooks_) hook->after_step(report, progress_);
    free_since_ = Clock::now();
  }

  void end() const {
    std::exception_ptr failure;
    for (const auto& hook : hooks_) {
      try {
        hook->at_end(progress_);
      } catch (...) {
        if (!failure) failure = std::current_exception();
      }
    }
    if (failure) std::rethrow_exception(failure);
  }

 private:
  Step& step_;
  const config::TrainConfig& config_;
  const std::vector<std::unique_ptr<Hook>>& hooks_;
  Progress& progress_;
  Clock::time_point free_since_;  // for the next step: what evaluations and saves take is not its time
};

bool measures_layers(const LoopOptions& options, int64_t step) {
  constexpr int64_t kDense = 1000;
  if (options.telemetry_every == config::TelemetryConfig::kEverLess) return is_logged(step, kDense);
  return options.telemetry_every > 0 && step % options.telemetry_every == 0;
}

}  // namespace

void run_training(Step& step, const config::TrainConfig& config, const NextBatch& next_batch,
                  const std::vector<std::unique_ptr<Hook>>& hooks, const LoopOptions& options, Progress& progress) {
  const int64_t last = options.stop_after < 0 ? options.last_step : std::min(options.stop_after, options.last_step);
  Loop loop(step, config, hooks, progress);
  std::optional<Pending> pending;
  loop.start();
  for (int64_t index = progress.step; index < last; ++index) {
    double wait_seconds = 0.0;
    const auto batch = timed(next_batch, wait_seconds);
    if (!batch) break;
    loop.announce(index);
    auto started =
        step.start(*batch, index, progress.spikes,
                   {.measures_layers = measures_layers(options, index + 1), .give_up = options.give_up_step});
    if (!started) break;
    loop.announce_start(index + 1);
    if (pending) loop.read(*pending);
    pending = Pending{std::move(*started), wait_seconds, batch->end};
    if (loop.is_state_needed_after(index + 1) || !options.reads_late) {
      loop.read(*pending);
      pending.reset();
    }
  }
  if (pending) loop.read(*pending);
  loop.end();
}

}  // namespace strata::train
