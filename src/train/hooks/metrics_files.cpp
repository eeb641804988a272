#include <nlohmann/json.hpp>

#include "strata/train/hooks.h"
#include "strata/train/run_folder.h"

namespace strata::train {
namespace {

using nlohmann::json;

class MetricsFiles final : public Hook {
 public:
  MetricsFiles(RunLogs& logs, bool watches_spikes) : logs_(logs), watches_spikes_(watches_spikes) {}

  void after_step(const StepReport& report, const Progress& progress) override {
    const bool is_event = !report.updated || report.spike;
    if (is_event || is_logged(report.step, kDense)) append(report, progress);
    if (report.layers) logs_.layers.append(report.layers->line(report.step));
  }

 private:
  static constexpr int64_t kDense = 100'000;

  void append(const StepReport& report, const Progress& progress) {
    json line{{"step", report.step},
              {"loss", report.targets > 0 ? json(report.loss) : json(nullptr)},
              {"lr", report.rate},
              {"grad_norm", report.norms.global},
              {"gate_grad_norm", report.clip.global * report.norms.gates},
              {"clip", report.clip.global},
              {"gate_clip", report.clip.gates},
              {"targets", report.targets},
              {"tokens", progress.tokens},
              {"epoch", progress.cursor.epoch},
              {"skipped", !report.updated},
              {"seconds", report.seconds},
              {"communication_seconds", report.communication.busy_seconds},
              {"exposed_seconds", report.communication.waited_seconds},
              {"tokens_per_second", static_cast<double>(report.tokens) / report.seconds}};
    if (watches_spikes_) {
      line.update({{"spike", report.spike}, {"loss_z", report.scores.loss}, {"grad_norm_z", report.scores.grad_norm}});
    }
    logs_.metrics.append(line);
  }

  RunLogs& logs_;
  bool watches_spikes_;
};

}  // namespace

std::unique_ptr<Hook> metrics_files(RunLogs& logs, bool watches_spikes) {
  return std::make_unique<MetricsFiles>(logs, watches_spikes);
}

}  // namespace strata::train
