#include "sft_keys.h"

#include "strata/base/check.h"
#include "strata/hub/model_folder.h"
#include "strata/nn/parameters.h"

namespace strata::run {
namespace {

void check_keys(const config::RunConfig& config) {
  if (config.sft.model.empty()) throw UsageError("sft.model: names no model folder to start from");
  if (config.sft.data.empty()) throw UsageError("sft.data: names no files");
  if (config.train.loss_average != config::LossAverage::kToken) {
    throw UsageError(
        "train.loss_average=per_micro_batch: the last batch of an epoch may have micro-batches without a sample; "
        "token would do");
  }
  if (config.train.cuda_graph) {
    throw UsageError("train.cuda_graph: samples make batches of many shapes; false would do");
  }
}

}  // namespace

std::vector<data::Instruction> read_records(const config::RunConfig& config) {
  check_keys(config);
  return data::read_instructions(config.sft.data);
}

io::TensorFiles sound_weights(const config::RunConfig& config) {
  const hub::ModelFolder folder = hub::open_model_folder(config.sft.model);
  nn::check_loadable(folder.spec.layout, folder.weights);
  return folder.weights;
}

data::SampleOptions options_of(const config::RunConfig& config) {
  return {.sequence_length = config.data.sequence_length,
          .scored = config.sft.loss,
          .holdout = config.sft.holdout,
          .limit = config.sft.limit,
          .shuffle = config.data.shuffle,
          .seed = static_cast<uint64_t>(config.run.seed)};
}

int64_t steps_of(const config::RunConfig& config, int64_t steps) {
  const bool is_given = config.train.steps != config::TrainConfig{}.steps;
  if (is_given && config.train.steps != steps) {
    throw UsageError(str("train.steps=", config.train.steps, ": sft.epochs=", config.sft.epochs,
                         " of these samples are ", steps, " steps; leave it out (train.stop_after ends a run early)"));
  }
  return steps;
}

}  // namespace strata::run
