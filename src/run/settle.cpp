#include "strata/run/settle.h"

#include <algorithm>

#include "sft_data.h"
#include "strata/base/check.h"
#include "strata/config/load.h"
#include "strata/config/print.h"
#include "strata/hub/model_folder.h"
#include "strata/nn/model.h"
#include "strata/nn/of_config.h"
#include "strata/norm/make.h"
#include "strata/optim/groups.h"
#include "strata/run/tokenizer.h"

namespace strata::run {
namespace {

// Updates of fine-tuning are numbered from 0 again, so that a scheme that moves with them has to be through with it.
void end_warm_up(const hub::ModelFolder& folder, config::NormConfig& norm) {
  const auto& junctions = folder.spec.wiring.after;
  const auto ends = [&](const auto& holds) {
    return std::ranges::all_of(junctions, [&](const auto& junction) { return holds(junction.rule.branch_scale); });
  };
  if (ends([](const norm::Ramp& ramp) { return ramp.is_constant(); })) return;
  const int64_t update = folder.spec.update;
  STRATA_CHECK(ends([&](const norm::Ramp& ramp) { return ramp.at(update) == ramp.to; }), folder.config.norm.scheme,
               " is still on its way in it, at update ", update, ": train it to the end of norm.prores.warmup_steps");
  const norm::SchemeName name = norm::parse_scheme_name(norm.scheme);
  norm.scheme = name.base + (name.has(norm::kGatesSuffix) ? std::string(norm::kGatesSuffix) : "");
}

// A model stays what it was trained as.
void take_model(config::Loaded& loaded) {
  config::RunConfig& config = loaded.config;
  const config::RunConfig folder = [&] {
    try {
      hub::ModelFolder opened = hub::open_model_folder(config.sft.model);
      end_warm_up(opened, opened.config.norm);
      return opened.config;
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
    optim::check_groups(loaded.config.optimizer, nn::describe(loaded.config).layout.params);
  } catch (const config::KeyError& error) {
    throw loaded.origins.locate(error);
  }
  return loaded.config;
}

void check_config(const config::RunConfig& config) {
  config.validate();
  if (config.train.micro_batch == config::TrainConfig::kAutoMicroBatch) {
    throw config::KeyError("train.micro_batch",
                           "auto is for configs that load_config reads; here it has to be a number");
  }
  optim::check_groups(config.optimizer, nn::describe(config).layout.params);
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
