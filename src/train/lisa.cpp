#include "strata/train/lisa.h"

#include <algorithm>

#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/nn/of_config.h"
#include "strata/nn/trained.h"

namespace strata::train {
namespace {

std::string list_of(const std::vector<int64_t>& numbers) {
  std::vector<std::string> texts;
  for (const int64_t number : numbers) texts.push_back(std::to_string(number));
  return join(texts, ", ");
}

}  // namespace

optim::Trained trained_params(const config::RunConfig& config, const nn::ParameterLayout& values,
                              const nn::ParameterLayout& trained, const std::vector<int64_t>& missed_L) {
  const bool keeps_all = config.lisa.states == config::LisaStates::kKeep;
  optim::Trained result;
  for (const ParamSpec& spec : trained.params) {
    const int64_t value_offset = values.find(spec.name).offset;
    const bool misses = spec.layer >= 0 && !missed_L.empty();
    result.params.push_back({.spec = spec,
                             .value_offset = value_offset,
                             .state_offset = keeps_all ? value_offset : spec.offset,
                             .missed = misses ? missed_L[static_cast<size_t>(spec.layer)] : 0});
  }
  result.with_states = keeps_all ? nn::trained_layout(values, nn::trained_set(config)).params : trained.params;
  return result;
}

Lisa::Lisa(const config::RunConfig& config, nn::Model& model, optim::Optimizer& optimizer)
    : config_(config), model_(model), optimizer_(optimizer) {
  state_.updates_L.resize(static_cast<size_t>(model.spec().dims.layers), 0);
}

std::vector<double> Lisa::weights_of(const std::vector<double>& norms_L) const {
  std::vector<double> weights(norms_L.size(), 1.0);
  if (config_.lisa.sampling == config::LisaSampling::kUniform) return weights;
  for (size_t layer = 0; layer < weights.size(); ++layer) {
    weights[layer] = std::max(norms_L[layer], 1e-12);  // every layer gets its chance
  }
  return weights;
}

void Lisa::begin(const std::vector<double>& norms_L) {
  state_.weights_L = weights_of(norms_L);
  draws_.emplace(config_.lisa, static_cast<uint64_t>(config_.run.seed), state_.weights_L);
}

void Lisa::restore(const LisaState& state, int64_t step) {
  const size_t layers = state_.updates_L.size();
  STRATA_CHECK(state.updates_L.size() == layers && state.weights_L.size() == layers,
               "the checkpoint's layers take turns among ", state.updates_L.size(), ", the model has ", layers);
  for (const int64_t updates : state.updates_L) {
    STRATA_CHECK(updates <= step, "after ", step, " steps a layer cannot have made ", updates, " updates");
  }
  for (const double weight : state.weights_L) STRATA_CHECK(weight > 0.0, "a layer is drawn with weight ", weight);
  draws_.emplace(config_.lisa, static_cast<uint64_t>(config_.run.seed), state.weights_L);
  const std::vector<int64_t> drawn = state.draws > 0 ? draws_->layers_of(state.draws - 1) : std::vector<int64_t>();
  STRATA_CHECK(state.layers == drawn, "the checkpoint trains layers ", list_of(state.layers), ", but draw ",
               state.draws, " of lisa.seed is ", list_of(drawn));
  state_ = state;
  since_ = step;
  if (state.draws > 0) train_layers();
}

bool Lisa::draw_before(int64_t index) {
  STRATA_ASSERT(draws_.has_value());
  const int64_t period = index / config_.lisa.interval;
  if (period + 1 == state_.draws) return false;
  LisaState next = state_after(index);
  next.draws = period + 1;
  next.layers = draws_->layers_of(period);
  for (size_t layer = 0; layer < next.updates_L.size(); ++layer) {
    const auto trains = [&](const std::vector<int64_t>& layers) {
      return std::ranges::binary_search(layers, static_cast<int64_t>(layer));
    };
    const bool goes_on = trains(state_.layers) && trains(next.layers);
    if (!goes_on && config_.lisa.states == config::LisaStates::kDrop) next.updates_L[layer] = 0;
  }
  state_ = std::move(next);
  since_ = index;
  train_layers();
  return true;
}

void Lisa::train_layers() {
  nn::ParameterLayout trained = nn::trained_layout(model_.spec().layout, nn::trained_set(config_, state_.layers));
  trained.arena_size = model_.parameters().trained()->arena_size;  // with what fills the last bucket
  std::vector<int64_t> missed_L;
  for (const int64_t updates : state_.updates_L) missed_L.push_back(since_ - updates);
  optimizer_.train(trained_params(config_, model_.spec().layout, trained, missed_L));
  model_.set_trained(std::move(trained));
}

LisaState Lisa::state_after(int64_t step) const {
  LisaState state = state_;
  for (const int64_t layer : state.layers) state.updates_L[static_cast<size_t>(layer)] += step - since_;
  return state;
}

}  // namespace strata::train
