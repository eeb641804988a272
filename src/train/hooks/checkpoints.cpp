#include "strata/base/check.h"
#include "strata/train/checkpoint/writer.h"
#include "strata/train/hooks.h"
#include "strata/train/signals.h"

namespace strata::train {
namespace {

class Checkpoints final : public Hook {
 public:
  Checkpoints(const config::CheckpointConfig& config, const CheckpointState& start, CheckpointWriter& writer,
              RunLogs* logs, DataParallel& parallel, const Lisa* lisa)
      : config_(config),
        state_(start),
        writer_(writer),
        logs_(logs),
        parallel_(parallel),
        lisa_(lisa),
        begun_at_(start.progress.step) {}

  void step_started(int64_t step) override {
    const bool is_due = config_.every > 0 && step % config_.every == 0;
    if (workers::any(parallel_.workers, take_save_request()) || is_due) wanted_ = step;
  }

  bool needs_state_after(int64_t step) const override { return wanted_ == step; }

  void after_step(const StepReport& report, const Progress& progress) override {
    writer_.report();
    if (report.step == wanted_) {
      save(progress);
    } else if (report.step == begun_at_ + 1) {
      writer_.warm_up();
    }
  }

  // A save of this step that failed before, or is under way and will, is tried once more.
  void at_end(const Progress& progress) override {
    writer_.finish();
    const bool is_saved = progress.step == writer_.saved_step() || (progress.step == begun_at_ && begun_at_ > 0);
    if (!is_saved) save(progress);
    const auto failure = writer_.finish();
    STRATA_CHECK(is_saved || !failure, "the last checkpoint is not saved: ", failure.value_or(""));
  }

 private:
  void save(const Progress& progress) {
    state_.progress = progress;
    if (lisa_ != nullptr) state_.lisa = lisa_->state_after(progress.step);
    parallel_.gather.finish();
    writer_.save(state_, logs_);
  }

  config::CheckpointConfig config_;
  CheckpointState state_;
  CheckpointWriter& writer_;
  RunLogs* logs_;
  DataParallel& parallel_;
  const Lisa* lisa_;
  int64_t begun_at_;
  int64_t wanted_ = -1;  // the last step that is to be saved
};

}  // namespace

std::unique_ptr<Hook> checkpoints(const config::CheckpointConfig& config, const CheckpointState& start,
                                  CheckpointWriter& writer, RunLogs* logs, DataParallel& parallel, const Lisa* lisa) {
  return std::make_unique<Checkpoints>(config, start, writer, logs, parallel, lisa);
}

}  // namespace strata::train
