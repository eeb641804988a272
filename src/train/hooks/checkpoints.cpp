#include "strata/base/log.h"
#include "strata/train/hooks.h"

namespace strata::train {
namespace {

class Checkpoints final : public Hook {
 public:
  Checkpoints(std::filesystem::path run, const config::RunConfig& config, const CheckpointState& state,
              const nn::Parameters& parameters, const optim::Optimizer& optimizer)
      : run_(std::move(run)),
        config_(config),
        state_(state),
        parameters_(parameters),
        optimizer_(optimizer),
        saved_(state.progress.step > 0 ? state.progress.step : -1) {}

  void after_step(const StepReport& report, const Progress& progress, const LayerStatistics*) override {
    if (config_.checkpoint.every > 0 && report.step % config_.checkpoint.every == 0) save(progress);
  }

  void at_end(const Progress& progress) override {
    if (progress.step != saved_) save(progress);
  }

 private:
  void save(const Progress& progress) {
    state_.progress = progress;
    save_checkpoint(checkpoint_path(run_, progress.step), config_, state_, parameters_, optimizer_);
    prune_checkpoints(run_, config_.checkpoint.keep);
    saved_ = progress.step;
  }

  std::filesystem::path run_;
  config::RunConfig config_;
  CheckpointState state_;
  const nn::Parameters& parameters_;
  const optim::Optimizer& optimizer_;
  int64_t saved_;  // the step that was saved last
};

}  // namespace

std::unique_ptr<Hook> checkpoints(const std::filesystem::path& run, const config::RunConfig& config,
                                  const CheckpointState& state, const nn::Parameters& parameters,
                                  const optim::Optimizer& optimizer) {
  return std::make_unique<Checkpoints>(run, config, state, parameters, optimizer);
}

}  // namespace strata::train
