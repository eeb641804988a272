#include "strata/run/settle.h"

#include <algorithm>

#include "sft_data.h"
#include "strata/base/check.h"
#include "strata/config/load.h"
#include "strata/config/print.h"
#include "strata/hub/model_folder.h"
#include "strata/nn/model.h"
#include "strata/nn/of_config.h"
#include "strata/run/tokenizer.h"

namespace strata::run {
namespace {

// A model stays what it was trained as.
void take_model(config::Loaded& loaded) {
  config::RunConfig& config = loaded.config;
  const config::RunConfig folder = [&] {
    try {
      return hub::open_model_folder(config.sft.model).config;
    } catch (const Error& failure) {
      throw config::KeyError("sft.model", failure.what());
    }
  }();
  config::RunConfig taken = config;
  taken.model = folder.model;
  taken.norm = folder.norm;
  if (taken.data.tokenizer.empty()) taken.data.tokenizer = folder.data.tokenizer;
  for (const config::Difference& difference : config::differences(config, taken)) {
    if (difference.key == "data.tokenizer" || !loaded.origins.given(difference.key)) continue;
    throw config::KeyError(difference.key, str(difference.before, " is not what ", config.sft.model, " has, ",
                                               difference.now, "; leave it out"));
  }
  config = taken;
}

// "runs/{norm.scheme}-s{run.seed}" with the keys' values.
std::string with_values(const std::string& pattern, const config::RunConfig& config) {
  std::string text = pattern;
  for (const auto& [key, value] : config::flatten(config)) {
    if (key == "run.dir") continue;
    for (size_t at = text.find("{" + key + "}"); at != std::string::npos; at = text.find("{" + key + "}")) {
      text.replace(at, key.size() + 2, value);
    }
  }
  if (text.find_first_of("{}") != std::string::npos) {
    throw UsageError(str("run.dir=", pattern, ": {...} names no key; strata inspect --keys lists them"));
  }
  return text;
}

// Bytes that every worker could take where it computes.
int64_t common_room(const RunDevice& device, const Workers& workers) {
  const auto mine = static_cast<double>(device.cuda ? device.cuda->memory().free
                                                    : plan::room_on_this_host(workers.self.local_world_size));
  return static_cast<int64_t>(std::ranges::min(workers::gather_numbers(*workers.communicator, {mine})));
}

}  // namespace

config::RunConfig load_config(const std::string& path, const std::vector<std::string>& overrides) {
  const auto complete = [](config::Loaded& loaded) {
    if (!loaded.config.sft.model.empty()) take_model(loaded);
    settle_vocabulary(loaded.config);
    loaded.config.train.micro_batch = nn::micro_batch_for(loaded.config, device_type_of(loaded.config.run));
  };
  const config::Loaded loaded = config::load(path, overrides, complete);
  try {
    nn::describe(loaded.config);
  } catch (const config::KeyError& error) {
    throw loaded.origins.locate(error);
  }
  return loaded.config;
}

void check_config(const config::RunConfig& config) {
  config.validate();
  nn::describe(config);
}

config::RunConfig complete(config::RunConfig config, const RunInput& input) {
  config.train.steps = input.steps(config);
  if (config.data.rows == config::RowKind::kAuto) config.data.rows = input.rows();
  config.train.loss_chunk = nn::loss_chunk_for(config, device_type_of(config.run));
  config.run.dir = with_values(config.run.dir, config);
  return config;
}

config::RunConfig with_steps(const config::RunConfig& config) {
  return config.sft.model.empty() ? config : complete(config, SftData(config));
}

std::unique_ptr<const Settled> settle(config::RunConfig config, const RunDevice& device, const Workers& workers) {
  const nn::ModelSpec spec = nn::describe(config);
  const plan::Place place{.device = device.device.type(), .workers = workers.communicator->world_size()};
  config.train.recompute = plan::settle_recompute(config, spec, place, common_room(device, workers));
  const data::BatchShape batch_shape = nn::batch_shape_for(config, device.device.type());
  const optim::Schedule schedule(config.schedule, config.optimizer.lr, config.train.steps);
  plan::MemoryPlan memory = plan::plan_memory(config, spec, place, workers.communicator->rank());
  return std::make_unique<const Settled>(Settled{std::move(config), spec, batch_shape, schedule, std::move(memory)});
}

}  // namespace strata::run
