#include <chrono>
#include <nlohmann/json.hpp>

#include "strata/io/json_lines.h"
#include "strata/train/hooks.h"

namespace strata::train {
namespace {

class MetricsFiles final : public Hook {
 public:
  MetricsFiles(const std::filesystem::path& run, nn::Model& model, const Progress& start)
      : model_(model),
        metrics_(run / "metrics.jsonl", "step", start.step),
        layers_(run / "layers.jsonl", "step", start.step),
        last_(Clock::now()) {}

  void after_step(const StepReport& report, const Progress& progress, const LayerStatistics* statistics) override {
    const auto now = Clock::now();
    const double seconds = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    metrics_.append({{"step", report.step},
                     {"loss", report.loss},
                     {"lr", report.rate},
                     {"grad_norm", report.norms.global},
                     {"gate_grad_norm", report.clip.global * report.norms.gates},
                     {"clip", report.clip.global},
                     {"gate_clip", report.clip.gates},
                     {"targets", report.targets},
                     {"tokens", progress.tokens},
                     {"epoch", progress.cursor.epoch},
                     {"skipped", !report.updated},
                     {"seconds", seconds},
                     {"tokens_per_second", static_cast<double>(report.tokens) / seconds}});
    if (statistics != nullptr) layers_.append(statistics->line(report.step, model_.parameters(), report.norms));
  }

 private:
  using Clock = std::chrono::steady_clock;

  nn::Model& model_;
  io::JsonLines metrics_;
  io::JsonLines layers_;
  Clock::time_point last_;
};

}  // namespace

std::unique_ptr<Hook> metrics_files(const std::filesystem::path& run, nn::Model& model, const Progress& start) {
  return std::make_unique<MetricsFiles>(run, model, start);
}

}  // namespace strata::train
