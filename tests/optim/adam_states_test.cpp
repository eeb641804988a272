// What Adam does where only some of the parameters are trained: six layers, of which four have room in the arena of
// gradients.
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <map>
#include <set>

#include "strata/kernels/clip.h"
#include "strata/optim/optimizer.h"

namespace strata::optim {
namespace {

using config::Rounding;
using Layers = std::set<int64_t>;

constexpr int64_t kLayers = 6;

// One after another from aligned places.
std::vector<ParamSpec> lay(std::vector<ParamSpec> params) {
  int64_t end = 0;
  for (ParamSpec& param : params) {
    param.offset = aligned(end);
    end = param.offset + param.count();
  }
  return params;
}

std::vector<ParamSpec> params_of(const Layers& layers) {
  std::vector<ParamSpec> params{{.name = "embed", .shape = {4, 5}, .role = ParameterRole::kEmbedding}};
  for (const int64_t layer : layers) {
    const std::string name = std::to_string(layer);
    params.push_back({.name = name + ".gain", .shape = {40}, .role = ParameterRole::kGain, .layer = layer});
    params.push_back({.name = name + ".gate", .shape = {}, .role = ParameterRole::kGate, .layer = layer});
    params.push_back({.name = name + ".weight", .shape = {9, 7}, .role = ParameterRole::kLinear, .layer = layer});
    params.push_back({.name = name + ".up", .shape = {3, 7}, .role = ParameterRole::kLinear, .layer = layer});
  }
  params.push_back({.name = "head", .shape = {4, 5}, .role = ParameterRole::kHead});
  return lay(params);
}

const std::vector<ParamSpec>& all_params() {
  static const std::vector<ParamSpec> params = params_of({0, 1, 2, 3, 4, 5});
  return params;
}

int64_t size_of(const std::vector<ParamSpec>& params) { return aligned(params.back().offset + params.back().count()); }

enum class States { kKeep, kDrop };

Trained trained(const Layers& layers, States states, const std::map<int64_t, int64_t>& missed = {}) {
  Trained result{.params = {}, .with_states = params_of(layers)};
  for (const ParamSpec& spec : params_of(layers)) {
    const int64_t value_offset = std::ranges::find(all_params(), spec.name, &ParamSpec::name)->offset;
    const auto misses = missed.find(spec.layer);
    result.params.push_back({.spec = spec,
                             .value_offset = value_offset,
                             .state_offset = states == States::kKeep ? value_offset : spec.offset,
                             .missed = misses == missed.end() ? 0 : misses->second});
  }
  if (states == States::kKeep) result.with_states = all_params();
  return result;
}

// Pseudo-random values that a name and a number stand for.
at::Tensor numbers(const std::string& name, int64_t count, int64_t number, at::ScalarType dtype) {
  const auto seed = static_cast<double>(std::hash<std::string>()(name) % 1000 + 37 * static_cast<uint64_t>(number));
  return at::arange(count, at::kDouble).mul(0.7).add(seed).sin().to(dtype);
}

struct Options {
  States states = States::kDrop;
  at::ScalarType dtype = at::kFloat;
  Rounding rounding = Rounding::kNearest;
  std::vector<ArenaRange> ranges = {};  // of states; none: all
};

// Values, and an Adam that trains some of them.
class Training {
 public:
  Training(const Options& options, const Layers& layers, const std::map<int64_t, int64_t>& missed = {})
      : options_(options), trained_(trained(layers, options.states, missed)) {
    const int64_t states = options.states == States::kKeep ? size_of(all_params()) : size_of(params_of(layers));
    const std::vector<ArenaRange> all{{0, states}};
    adam_ = make_optimizer({.kind = config::OptimizerKind::kAdamw, .weight_decay = 0.1, .rounding = options.rounding},
                           trained_, options.ranges.empty() ? all : options.ranges, options.dtype, 42, memory_);
    values_ = at::zeros({size_of(all_params())}, options.dtype);
    for (const ParamSpec& spec : all_params())
      value(spec.name).copy_(numbers(spec.name, spec.count(), 0, options.dtype));
  }

  void train(const Trained& now) {
    trained_ = now;
    adam_->train(now);
  }

  void train(const Layers& layers, const std::map<int64_t, int64_t>& missed = {}) {
    train(trained(layers, options_.states, missed));
  }

  // number: of the gradients.
  void update(int64_t step, int64_t number) {
    const at::Tensor gradients = at::zeros({size_of(params_of({0, 1, 2, 3, 4, 5}))}, options_.dtype);
    for (const TrainedParam& param : trained_.params) {
      const int64_t count = param.spec.count();
      gradients.narrow(0, param.spec.offset, count).copy_(numbers(param.spec.name, count, number, options_.dtype));
    }
    const at::Tensor clip = at::zeros({kernels::kClipNumbers}, at::kDouble);
    clip[kernels::kGlobalFactor].fill_(0.75);
    clip[kernels::kGateFactor].fill_(0.25);
    clip[kernels::kApply].fill_(1.0);
    adam_->update({.values = values_, .gradients = gradients, .copy = {}}, step, 1e-2, clip);
  }

  at::Tensor value(const std::string& name) const {
    const auto spec = std::ranges::find(all_params(), name, &ParamSpec::name);
    return values_.narrow(0, spec->offset, spec->count());
  }

  at::Tensor state(size_t which, const std::string& name) const {
    const auto spec = std::ranges::find(adam_->params(), name, &ParamSpec::name);
    return adam_->states()[which].values.narrow(0, spec->offset, spec->count());
  }

  const Optimizer& adam() const { return *adam_; }

 private:
  Options options_;
  Allocator memory_{at::kCPU};
  Trained trained_;
  std::unique_ptr<Optimizer> adam_;
  at::Tensor values_;
};

void expect_same(const Training& one, const Training& other, const std::string& name) {
  EXPECT_TRUE(at::equal(one.value(name), other.value(name))) << name;
  for (const size_t which : {0, 1}) EXPECT_TRUE(at::equal(one.state(which, name), other.state(which, name))) << name;
}

std::vector<Layers> all_sets_of_four() {
  std::vector<Layers> sets;
  for (int64_t a = 0; a < kLayers; ++a) {
    for (int64_t b = a + 1; b < kLayers; ++b) {
      Layers layers{0, 1, 2, 3, 4, 5};
      layers.erase(a);
      layers.erase(b);
      sets.push_back(layers);
    }
  }
  return sets;
}

// Every draw after every other: layers move up, down, and both ways at once.
TEST(AdamStates, MoveWithTheirParameters) {
  for (const Layers& before : all_sets_of_four()) {
    for (const Layers& after : all_sets_of_four()) {
      Training training({.states = States::kDrop}, before);
      for (const ParamSpec& spec : params_of(before)) {
        for (const size_t which : {0, 1}) {
          training.state(which, spec.name)
              .copy_(numbers(spec.name, spec.count(), static_cast<int64_t>(which) + 1, at::kFloat));
        }
      }
      training.train(after);
      for (const ParamSpec& spec : params_of(after)) {
        const bool stays = spec.layer < 0 || before.contains(spec.layer);
        for (const size_t which : {0, 1}) {
          const at::Tensor expected = numbers(spec.name, spec.count(), static_cast<int64_t>(which) + 1, at::kFloat);
          EXPECT_TRUE(at::equal(training.state(which, spec.name), stays ? expected : at::zeros_like(expected)))
              << spec.name << (stays ? " has lost its states" : " does not begin at nought");
        }
      }
    }
  }
}

TEST(AdamStates, ThatAreKeptStayWhereTheyAre) {
  Training training({.states = States::kKeep}, {0, 1, 2, 3});
  training.update(0, 1);
  std::vector<at::Tensor> before;
  for (const auto& state : training.adam().states()) before.push_back(state.values.clone());
  for (const Layers& layers : all_sets_of_four()) {
    training.train(layers);
    for (const size_t which : {0, 1}) {
      EXPECT_TRUE(at::equal(training.adam().states()[which].values, before[which]));
    }
  }
}

TEST(AdamStates, BelongToWhatHasThem) {
  Training drop({.states = States::kDrop}, {0, 1, 2, 3}), keep({.states = States::kKeep}, {0, 1, 2, 3});
  drop.train({1, 2, 3, 5});
  keep.train({1, 2, 3, 5});
  EXPECT_EQ(drop.adam().params().size(), 2U + 4U * 4U);
  EXPECT_EQ(keep.adam().params().size(), all_params().size());
}

class AdamUpdates : public testing::TestWithParam<at::ScalarType> {};

// Each parameter as if there were no other: roles, factors and decay are its own, and no run of neighbours that are
// updated together reaches what lies beside them.
TEST_P(AdamUpdates, OfNeighboursAreThoseOfEach) {
  for (const States states : {States::kKeep, States::kDrop}) {
    const Layers layers{0, 2, 3, 5};
    const Options options{.states = states, .dtype = GetParam()};
    Training together(options, layers, {{2, 1}});
    together.update(3, 7);
    for (const TrainedParam& param : trained(layers, states, {{2, 1}}).params) {
      Training alone(options, layers);
      Trained one = trained(layers, states, {{2, 1}});
      std::erase_if(one.params, [&](const TrainedParam& other) { return other.spec.name != param.spec.name; });
      alone.train(one);
      alone.update(3, 7);
      expect_same(together, alone, param.spec.name);
      EXPECT_FALSE(at::equal(together.value(param.spec.name), Training(options, layers).value(param.spec.name)));
    }
  }
}

TEST_P(AdamUpdates, LeaveWhatIsFrozen) {
  for (const States states : {States::kKeep, States::kDrop}) {
    Training training({.states = states, .dtype = GetParam()}, {0, 1, 2, 3});
    const Training start({.states = states, .dtype = GetParam()}, {0, 1, 2, 3});
    training.train({0, 2, 3, 4});
    training.update(0, 1);
    for (const ParamSpec& spec : all_params()) {
      const bool is_frozen = spec.layer == 1 || spec.layer == 5;
      EXPECT_EQ(at::equal(training.value(spec.name), start.value(spec.name)), is_frozen) << spec.name;
    }
  }
}

// Frozen for three updates, and then as if they had never been.
TEST_P(AdamUpdates, CountThoseThatTheStatesKnowOf) {
  const Options options{.states = States::kKeep, .dtype = GetParam()};
  Training sleeper(options, {0, 1, 2, 3}), awake(options, {0, 1, 2, 3});
  for (const int64_t step : {0, 1, 2, 3}) awake.update(step, step);
  sleeper.update(0, 0);
  sleeper.update(1, 1);
  sleeper.train({1, 2, 3, 4}, {{4, 2}});
  for (const int64_t step : {2, 3, 4}) sleeper.update(step, 100 + step);
  sleeper.train({0, 1, 2, 3}, {{0, 3}});
  for (const int64_t step : {5, 6}) sleeper.update(step, step - 3);
  for (const char* part : {"gain", "gate", "weight", "up"}) expect_same(sleeper, awake, std::string("0.") + part);
  EXPECT_FALSE(at::equal(sleeper.value("1.weight"), awake.value("1.weight")));
}

// And those whose states were dropped begin with the first update again.
TEST_P(AdamUpdates, BeginAnewWhereStatesWereDropped) {
  const Options options{.states = States::kDrop, .dtype = GetParam()};
  Training late(options, {0, 1, 2, 3}), anew(options, {0, 1, 2, 5});
  for (const int64_t step : {0, 1, 2}) late.update(step, 100 + step);
  late.train({1, 3, 4, 5}, {{4, 3}, {5, 3}});
  for (const int64_t step : {3, 4}) late.update(step, step - 3);
  for (const int64_t step : {0, 1}) anew.update(step, step);
  for (const char* part : {"gain", "gate", "weight", "up"}) expect_same(late, anew, std::string("5.") + part);
}

INSTANTIATE_TEST_SUITE_P(Types, AdamUpdates, testing::Values(at::kFloat, at::kBFloat16),
                         [](const auto& info) { return std::string(c10::toString(info.param)); });

// Chance depends on where a parameter lies among all, wherever its gradient and its states do.
TEST(StochasticAdam, GivesTheSameBitsInEveryPlace) {
  const auto of_layer_3 = [](States states, const Layers& layers) {
    Training training({.states = states, .dtype = at::kBFloat16, .rounding = Rounding::kStochastic}, layers);
    for (const int64_t step : {0, 1, 2}) training.update(step, step);
    return training;
  };
  const Training first = of_layer_3(States::kDrop, {3, 4, 5}), last = of_layer_3(States::kDrop, {1, 2, 3});
  const Training kept = of_layer_3(States::kKeep, {0, 1, 3});
  const Training nearest = [] {
    Training training({.dtype = at::kBFloat16}, {3, 4, 5});
    for (const int64_t step : {0, 1, 2}) training.update(step, step);
    return training;
  }();
  for (const std::string part : {"3.gain", "3.gate", "3.weight", "3.up"}) {
    expect_same(first, last, part);
    expect_same(first, kept, part);
  }
  EXPECT_FALSE(at::equal(first.value("3.weight"), nearest.value("3.weight")));
}

// Whoever has which part of the states.
TEST(StochasticAdam, GivesTheSameBitsInPieces) {
  const Options options{.states = States::kKeep, .dtype = at::kBFloat16, .rounding = Rounding::kStochastic};
  Options low = options, high = options;
  low.ranges = {{0, 32}, {77, 300}};
  high.ranges = {{32, 77}, {300, size_of(all_params())}};
  const Layers layers{0, 2, 3, 5};
  Training whole(options, layers), lower(low, layers), higher(high, layers);
  for (Training* training : {&whole, &lower, &higher}) training->update(0, 1);

  for (const ParamSpec& spec : all_params()) {
    for (int64_t i = 0; i < spec.count(); ++i) {
      const int64_t place = spec.offset + i;
      const bool is_low = place < 32 || (77 <= place && place < 300);
      const auto at = [&](const Training& training) { return training.value(spec.name)[i].item<float>(); };
      ASSERT_EQ(at(is_low ? lower : higher), at(whole)) << spec.name << " " << i;
    }
  }
}

}  // namespace
}  // namespace strata::optim
