#include "strata/train/trainer.h"

#include <optional>

#include "strata/base/check.h"
#include "strata/base/log.h"

namespace strata::train {
namespace {

std::string not_finite(const StepReport& report) {
  return str("step ", report.step, ": loss ", report.loss, ", gradient norm ", report.norms.global);
}

}  // namespace

void run_training(Step& step, const nn::ModelSpec& spec, const std::function<data::GlobalBatch()>& next_batch,
                  const std::vector<std::unique_ptr<Hook>>& hooks, const LoopOptions& options, Progress& progress) {
  const auto is_over = [&] {
    return progress.step >= options.last_step || (options.stop_after >= 0 && progress.step >= options.stop_after);
  };
  while (!is_over() && !options.stop_requested()) {
    const data::GlobalBatch batch = next_batch();
    std::optional<LayerStatistics> statistics;
    if (options.telemetry_every > 0 && (progress.step + 1) % options.telemetry_every == 0) statistics.emplace(spec);
    const StepReport report = step.run(batch, progress.step, statistics ? &*statistics : nullptr);
    if (!report.updated) {
      STRATA_CHECK(options.on_nonfinite == config::OnNonfinite::kSkip, not_finite(report),
                   "; nothing was changed and no checkpoint written (train.on_nonfinite: skip would go on)");
      log::warn(not_finite(report) + "; update skipped");
      ++progress.skipped;
    }
    ++progress.step;
    progress.tokens += report.tokens;
    progress.cursor = batch.end;
    for (const auto& hook : hooks) hook->after_step(report, progress, statistics ? &*statistics : nullptr);
  }
  for (const auto& hook : hooks) hook->at_end(progress);
}

}  // namespace strata::train
