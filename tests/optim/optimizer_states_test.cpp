// What optimizers do where only some of the parameters are trained: six layers, of which four have room in the arena of
// gradients.
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <map>
#include <set>

#include "strata/config/enums.h"
#include "strata/kernels/clip.h"
#include "strata/optim/optimizer.h"

namespace strata::optim {
namespace {

using config::OptimizerKind;
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
  OptimizerKind kind = OptimizerKind::kAdamw;
  States states = States::kDrop;
  at::ScalarType dtype = at::kFloat;
  Rounding rounding = Rounding::kNearest;
  std::vector<ArenaRange> ranges = {};  // of states; none: all
};

// Values, and an optimizer that trains some of them.
class Training {
 public:
  Training(const Options& options, const Layers& layers, const std::map<int64_t, int64_t>& missed = {})
      : options_(options), trained_(trained(layers, options.states, missed)) {
    const int64_t states = options.states == States::kKeep ? size_of(all_params()) : size_of(params_of(layers));
    const std::vector<ArenaRange> all{{0, states}};
    const OptimizerSetup setup{.config = {.kind = options.kind, .weight_decay = 0.1, .rounding = options.rounding},
                               .train_steps = 8,
                               .gemm = gemm_.get(),
                               .states = options.dtype,
                               .seed = 42};
    optimizer_ = make_optimizer(setup, trained_, options.ranges.empty() ? all : options.ranges, memory_);
    values_ = at::zeros({size_of(all_params())}, options.dtype);
    for (const ParamSpec& spec : all_params())
      value(spec.name).copy_(numbers(spec.name, spec.count(), 0, options.dtype));
  }

  void train(const Trained& now) {
    trained_ = now;
    optimizer_->train(now);
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
    optimizer_->update({.values = values_, .value_ranges = {{0, values_.numel()}}, .gradients = gradients, .copy = {}},
                       step, 1e-2, clip);
  }

  at::Tensor value(const std::string& name) const {
    const auto spec = std::ranges::find(all_params(), name, &ParamSpec::name);
    return values_.narrow(0, spec->offset, spec->count());
  }

  // What a parameter has, by the names of states.
  std::map<std::string, at::Tensor> states(const std::string& name) const {
    const auto spec = std::ranges::find(optimizer_->params(), name, &ParamSpec::name);
    std::map<std::string, at::Tensor> found;
    for (const Optimizer::State& state : optimizer_->states()) {
      if (!has_state(*spec, state)) continue;
      each_part(state.ranges.value_or(optimizer_->ranges()), place_of(*spec),
                [&](const ArenaRange& part, int64_t place) {
                  EXPECT_EQ(part, place_of(*spec));
                  found[state.name] = state.values.narrow(0, place, part.size());
                });
      EXPECT_TRUE(found.contains(state.name)) << state.name << "." << name;
    }
    return found;
  }

  const Optimizer& optimizer() const { return *optimizer_; }

 private:
  Options options_;
  std::unique_ptr<kernels::Gemm> gemm_ = kernels::make_gemm("tiles");
  Allocator memory_{at::kCPU};
  Trained trained_;
  std::unique_ptr<Optimizer> optimizer_;
  at::Tensor values_;
};

void expect_same(const Training& one, const Training& other, const std::string& name) {
  EXPECT_TRUE(at::equal(one.value(name), other.value(name))) << name;
  const auto states = one.states(name);
  for (const auto& [state, values] : other.states(name)) {
    EXPECT_TRUE(at::equal(states.at(state), values)) << state << "." << name;
  }
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

std::string name_of(OptimizerKind kind) { return std::string(config::enum_name(kind)); }

constexpr OptimizerKind kKinds[] = {OptimizerKind::kAdamw, OptimizerKind::kMuon, OptimizerKind::kAdemamix,
                                    OptimizerKind::kLion};

class OptimizerStates : public testing::TestWithParam<OptimizerKind> {};

// Every draw after every other: layers move up, down, and both ways at once.
TEST_P(OptimizerStates, MoveWithTheirParameters) {
  for (const Layers& before : all_sets_of_four()) {
    for (const Layers& after : all_sets_of_four()) {
      Training training({.kind = GetParam(), .states = States::kDrop}, before);
      const auto expected = [](const std::string& state, const std::string& name, const at::Tensor& like) {
        return numbers(state + name, like.numel(), 1, at::kFloat);
      };
      for (const ParamSpec& spec : params_of(before)) {
        for (const auto& [state, values] : training.states(spec.name)) values.copy_(expected(state, spec.name, values));
      }
      training.train(after);
      for (const ParamSpec& spec : params_of(after)) {
        const bool stays = spec.layer < 0 || before.contains(spec.layer);
        for (const auto& [state, values] : training.states(spec.name)) {
          const at::Tensor those = expected(state, spec.name, values);
          EXPECT_TRUE(at::equal(values, stays ? those : at::zeros_like(those)))
              << state << "." << spec.name << (stays ? " has lost its numbers" : " does not begin at nought");
        }
      }
    }
  }
}

// As padding for workers can make it: their arena ends where that of values does, and is laid out otherwise.
TEST_P(OptimizerStates, HaveRoomBehindThemThatChangesNothing) {
  const Layers layers{1, 2, 3, 5};
  Training exact({.kind = GetParam()}, layers);
  Training roomy({.kind = GetParam(), .ranges = {{0, size_of(all_params())}}}, layers);
  for (const int64_t step : {0, 1, 2}) {
    exact.update(step, step + 1);
    roomy.update(step, step + 1);
  }
  for (const ParamSpec& spec : all_params()) EXPECT_TRUE(at::equal(exact.value(spec.name), roomy.value(spec.name)));
  for (const ParamSpec& spec : params_of(layers)) expect_same(exact, roomy, spec.name);
}

TEST_P(OptimizerStates, ThatAreKeptStayWhereTheyAre) {
  Training training({.kind = GetParam(), .states = States::kKeep}, {0, 1, 2, 3});
  training.update(0, 1);
  std::vector<at::Tensor> before;
  for (const auto& state : training.optimizer().states()) before.push_back(state.values.clone());
  for (const Layers& layers : all_sets_of_four()) {
    training.train(layers);
    for (size_t which = 0; which < before.size(); ++which) {
      EXPECT_TRUE(at::equal(training.optimizer().states()[which].values, before[which]));
    }
  }
}

TEST_P(OptimizerStates, BelongToWhatHasThem) {
  Training drop({.kind = GetParam(), .states = States::kDrop}, {0, 1, 2, 3});
  Training keep({.kind = GetParam(), .states = States::kKeep}, {0, 1, 2, 3});
  drop.train({1, 2, 3, 5});
  keep.train({1, 2, 3, 5});
  EXPECT_EQ(drop.optimizer().params().size(), 2U + 4U * 4U);
  EXPECT_EQ(keep.optimizer().params().size(), all_params().size());
}

INSTANTIATE_TEST_SUITE_P(Kinds, OptimizerStates, testing::ValuesIn(kKinds),
                         [](const auto& info) { return name_of(info.param); });

// A second moment of the matrices would be memory for nothing.
TEST(MuonStates, OfMatricesAreTheirMomentumAlone) {
  const Training training({.kind = OptimizerKind::kMuon, .states = States::kKeep}, {0, 1, 2, 3});
  EXPECT_EQ(training.states("3.weight").size(), 1U);
  EXPECT_EQ(training.states("3.gain").size(), 2U);
  int64_t of_matrices = 0;
  for (const ParamSpec& spec : all_params()) of_matrices += spec.role == ParameterRole::kLinear ? spec.count() : 0;
  const auto& states = training.optimizer().states();
  EXPECT_EQ(states[0].values.numel() - states[1].values.numel(), of_matrices);
}

class Updates : public testing::TestWithParam<std::tuple<OptimizerKind, at::ScalarType>> {
 protected:
  static Options options(States states) {
    return {.kind = std::get<0>(GetParam()), .states = states, .dtype = std::get<1>(GetParam())};
  }
};

// Each parameter as if there were no other: roles, factors and decay are its own, and no run of neighbours that are
// updated together reaches what lies beside them.
TEST_P(Updates, OfNeighboursAreThoseOfEach) {
  for (const States states : {States::kKeep, States::kDrop}) {
    const Layers layers{0, 2, 3, 5};
    const Options given = options(states);
    Training together(given, layers, {{2, 1}});
    together.update(3, 7);
    for (const TrainedParam& param : trained(layers, states, {{2, 1}}).params) {
      Training alone(given, layers);
      Trained one = trained(layers, states, {{2, 1}});
      std::erase_if(one.params, [&](const TrainedParam& other) { return other.spec.name != param.spec.name; });
      alone.train(one);
      alone.update(3, 7);
      expect_same(together, alone, param.spec.name);
      EXPECT_FALSE(at::equal(together.value(param.spec.name), Training(given, layers).value(param.spec.name)));
    }
  }
}

TEST_P(Updates, LeaveWhatIsFrozen) {
  for (const States states : {States::kKeep, States::kDrop}) {
    Training training(options(states), {0, 1, 2, 3});
    const Training start(options(states), {0, 1, 2, 3});
    training.train({0, 2, 3, 4});
    training.update(0, 1);
    for (const ParamSpec& spec : all_params()) {
      const bool is_frozen = spec.layer == 1 || spec.layer == 5;
      EXPECT_EQ(at::equal(training.value(spec.name), start.value(spec.name)), is_frozen) << spec.name;
    }
  }
}

// Frozen for three updates, and then as if they had never been.
TEST_P(Updates, CountThoseThatTheStatesKnowOf) {
  const Options given = options(States::kKeep);
  Training sleeper(given, {0, 1, 2, 3}), awake(given, {0, 1, 2, 3});
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
TEST_P(Updates, BeginAnewWhereStatesWereDropped) {
  const Options given = options(States::kDrop);
  Training late(given, {0, 1, 2, 3}), anew(given, {0, 1, 2, 5});
  for (const int64_t step : {0, 1, 2}) late.update(step, 100 + step);
  late.train({1, 3, 4, 5}, {{4, 3}, {5, 3}});
  for (const int64_t step : {3, 4}) late.update(step, step - 3);
  for (const int64_t step : {0, 1}) anew.update(step, step);
  for (const char* part : {"gain", "gate", "weight", "up"}) expect_same(late, anew, std::string("5.") + part);
}

INSTANTIATE_TEST_SUITE_P(Types, Updates,
                         testing::Combine(testing::ValuesIn(kKinds), testing::Values(at::kFloat, at::kBFloat16)),
                         [](const auto& info) {
                           return name_of(std::get<0>(info.param)) + c10::toString(std::get<1>(info.param));
                         });

class StochasticUpdates : public testing::TestWithParam<OptimizerKind> {
 protected:
  static Options options(States states) {
    return {.kind = GetParam(), .states = states, .dtype = at::kBFloat16, .rounding = Rounding::kStochastic};
  }
};

// Chance depends on where a parameter lies among all, wherever its gradient and its states do.
TEST_P(StochasticUpdates, GiveTheSameBitsInEveryPlace) {
  const auto after_three = [](const Options& options, const Layers& layers) {
    auto training = std::make_unique<Training>(options, layers);
    for (const int64_t step : {0, 1, 2}) training->update(step, step);
    return training;
  };
  const auto first = after_three(options(States::kDrop), {3, 4, 5});
  const auto last = after_three(options(States::kDrop), {1, 2, 3});
  const auto kept = after_three(options(States::kKeep), {0, 1, 3});
  const auto nearest = after_three({.kind = GetParam(), .dtype = at::kBFloat16}, {3, 4, 5});
  for (const std::string part : {"3.gain", "3.gate", "3.weight", "3.up"}) {
    expect_same(*first, *last, part);
    expect_same(*first, *kept, part);
  }
  EXPECT_FALSE(at::equal(first->value("3.weight"), nearest->value("3.weight")));
}

// Where one of two workers' states begin and end: anywhere, but not within what is moved whole.
std::vector<ArenaRange> of_first_worker(OptimizerKind kind) {
  if (kind != OptimizerKind::kMuon) return {{0, 32}, {77, 300}};
  const auto begin = [](const char* name) { return std::ranges::find(all_params(), name, &ParamSpec::name)->offset; };
  return {{0, 7}, {begin("0.gain") + 3, begin("0.weight")}, {begin("2.weight"), begin("2.up")}};
}

// Whoever has which part of the states.
TEST_P(StochasticUpdates, GiveTheSameBitsInPieces) {
  Options low = options(States::kKeep), high = low;
  low.ranges = of_first_worker(GetParam());
  int64_t end = 0;
  for (const ArenaRange& range : low.ranges) {
    if (range.begin > end) high.ranges.push_back({end, range.begin});
    end = range.end;
  }
  high.ranges.push_back({end, size_of(all_params())});
  const Layers layers{0, 2, 3, 5};
  Training whole(options(States::kKeep), layers), lower(low, layers), higher(high, layers);
  for (Training* training : {&whole, &lower, &higher}) training->update(0, 1);

  for (const ParamSpec& spec : all_params()) {
    for (int64_t i = 0; i < spec.count(); ++i) {
      const int64_t place = spec.offset + i;
      const bool is_low = std::ranges::any_of(
          low.ranges, [&](const ArenaRange& range) { return range.begin <= place && place < range.end; });
      const auto at = [&](const Training& training) { return training.value(spec.name)[i].item<float>(); };
      ASSERT_EQ(at(is_low ? lower : higher), at(whole)) << spec.name << " " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, StochasticUpdates, testing::ValuesIn(kKinds),
                         [](const auto& info) { return name_of(info.param); });

}  // namespace
}  // namespace strata::optim
