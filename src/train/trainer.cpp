#include "strata/train/trainer.h"

#include <chrono>
#include <exception>
#include <optional>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/train/progress_line.h"

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
    leave_progress_line();
    log::warn(numbers + "; update skipped");
  }
  if (!report.spike) return;
  const std::string spike =
      str(numbers, ", a spike: ", fixed(report.scores.loss, 1), " and ", fixed(report.scores.grad_norm, 1),
          " standard deviations above the last ", config.spike.window, " steps");
  STRATA_CHECK(config.spike.action != config::SpikeAction::kStop, spike,
               "; nothing was changed and no checkpoint written (train.spike.action: skip would go on)");
  leave_progress_line();
  log::warn(spike + (report.updated ? "" : "; update skipped"));
}

using NextBatch = std::function<std::optional<data::GlobalBatch>()>;

std::optional<data::GlobalBatch> timed(const NextBatch& next_batch, double& seconds) {
  const auto start = std::chrono::steady_clock::now();
  auto batch = next_batch();
  seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return batch;
}

void end(const std::vector<std::unique_ptr<Hook>>& hooks, const Progress& progress) {
  std::exception_ptr failure;
  for (const auto& hook : hooks) {
    try {
      hook->at_end(progress);
    } catch (...) {
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

void run_training(Step& step, const nn::ModelSpec& spec, const config::TrainConfig& config, const NextBatch& next_batch,
                  const std::vector<std::unique_ptr<Hook>>& hooks, const LoopOptions& options, Progress& progress) {
  const auto is_over = [&] {
    return progress.step >= options.last_step || (options.stop_after >= 0 && progress.step >= options.stop_after);
  };
  while (!is_over()) {
    double wait_seconds = 0.0;
    const auto batch = timed(next_batch, wait_seconds);
    if (!batch) break;
    std::optional<LayerStatistics> statistics;
    if (options.telemetry_every > 0 && (progress.step + 1) % options.telemetry_every == 0) statistics.emplace(spec);
    auto report = step.run(*batch, progress, statistics ? &*statistics : nullptr, options.give_up_step);
    if (!report) break;
    report->wait_seconds = wait_seconds;
    judge(*report, config);
    ++progress.step;
    progress.tokens += report->tokens;
    progress.skipped += report->updated ? 0 : 1;
    progress.cursor = batch->end;
    if (report->finite) remember(config.spike, progress.spikes, report->loss, report->norms.global);
    for (const auto& hook : hooks) hook->after_step(*report, progress, statistics ? &*statistics : nullptr);
  }
  end(hooks, progress);
}

}  // namespace strata::train
