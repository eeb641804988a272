#include <nlohmann/json.hpp>

#include "strata/train/hooks.h"

namespace strata::train {
namespace {

using nlohmann::json;

class MetricsFiles final : public Hook {
 public:
  MetricsFiles(RunLogs& logs, bool watches_spikes) : logs_(logs), watches_spikes_(watches_spikes) {}

  void after_step(const StepReport& report, const Progress& progress) override {
    json line{{"step", report.step},
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
              {"seconds", report.seconds},
              {"communication_seconds", report.communication.busy_seconds},
              {"exposed_seconds", report.communication.waited_seconds},
              {"tokens_per_second", static_cast<double>(report.tokens) / report.seconds}};
    if (watches_spikes_) {
      line.update({{"spike", report.spike}, {"loss_z", report.scores.loss}, {"grad_norm_z", report.scores.grad_norm}});
    }
    logs_.metrics.append(line);
    if (report.layers) logs_.layers.append(report.layers->line(report.step));
  }

 private:
  RunLogs& logs_;
  bool watches_spikes_;
};

}  // namespace

std::unique_ptr<Hook> metrics_files(RunLogs& logs, bool watches_spikes) {
  return std::make_unique<MetricsFiles>(logs, watches_spikes);
}

}  // namespace strata::train
