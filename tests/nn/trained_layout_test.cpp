// Where what is trained lies in the arena of gradients, and what the backward pass leaves there: for every scheme of
// the registry, with one gate per layer and with one per sub-layer.
#include <ATen/ops/equal.h>

#include "strata/nn/trained.h"
#include "strata/norm/make.h"
#include "support/errors.h"
#include "support/models.h"

namespace strata::nn {
namespace {

using strata::test::TestModel;
using strata::test::tiny_batch;
using strata::test::tiny_dims;
using strata::test::tiny_options;

using Layers = std::vector<int64_t>;

struct Case {
  std::string scheme;
  config::GpasPer per = config::GpasPer::kLayer;
};

std::string name_of(const Case& one) {
  std::string name = one.scheme + (one.per == config::GpasPer::kSublayer ? "_per_sublayer" : "");
  std::ranges::replace(name, '+', '_');
  return name;
}

void PrintTo(const Case& one, std::ostream* out) { *out << name_of(one); }

ModelSpec spec_of(const Case& one) {
  config::NormConfig norm;
  norm.scheme = one.scheme;
  norm.gpas.per = one.per;
  return describe(tiny_dims(), norm);
}

// keel's first layer has other parameters than the rest.
bool can_take_turns(const std::string& scheme) {
  try {
    trained_layout(spec_of({scheme}).layout, {.gates = true, .layers = Layers{1}});
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const std::string& scheme : norm::all_scheme_names()) {
    if (!can_take_turns(scheme)) continue;
    cases.push_back({scheme});
    if (scheme.ends_with("+gpas")) cases.push_back({scheme, config::GpasPer::kSublayer});
  }
  return cases;
}

bool is_trained(const ParamSpec& param, const TrainedSet& set) {
  if (param.role == ParameterRole::kGate && !set.gates) return false;
  return param.layer < 0 || !set.layers || std::ranges::find(*set.layers, param.layer) != set.layers->end();
}

// Sets of one, two, three and all layers.
std::vector<std::vector<Layers>> sets_by_size() {
  return {{{0}, {1}, {2}, {3}}, {{0, 1}, {0, 3}, {1, 2}, {2, 3}}, {{0, 1, 2}, {0, 2, 3}, {1, 2, 3}}, {{0, 1, 2, 3}}};
}

class TrainedLayout : public testing::TestWithParam<Case> {
 protected:
  // Calls `check` for every set of layers, with gates and without.
  void for_all_sets(const std::function<void(const TrainedSet&)>& check) const {
    for (const bool gates : {true, false}) {
      for (const auto& sets : sets_by_size()) {
        for (const Layers& layers : sets) check({.gates = gates, .layers = layers});
      }
    }
  }

  const ModelSpec spec_ = spec_of(GetParam());
};

TEST_P(TrainedLayout, HasWhatIsTrainedAndNothingElse) {
  for_all_sets([&](const TrainedSet& set) {
    const ParameterLayout trained = trained_layout(spec_.layout, set);
    size_t expected = 0;
    for (const ParamSpec& param : spec_.layout.params) {
      ASSERT_EQ(trained.contains(param.name), is_trained(param, set)) << param.name;
      expected += is_trained(param, set) ? 1 : 0;
    }
    EXPECT_EQ(trained.params.size(), expected);
  });
}

// So that whoever cut the arena for some layers need not cut it anew for others.
TEST_P(TrainedLayout, PlacesDependOnTheNumberOfLayersAlone) {
  for (const bool gates : {true, false}) {
    for (const auto& sets : sets_by_size()) {
      const ParameterLayout first = trained_layout(spec_.layout, {.gates = gates, .layers = sets.front()});
      for (const Layers& layers : sets) {
        const ParameterLayout other = trained_layout(spec_.layout, {.gates = gates, .layers = layers});
        EXPECT_EQ(other.arena_size, first.arena_size);
        ASSERT_EQ(other.params.size(), first.params.size());
        for (size_t i = 0; i < first.params.size(); ++i) {
          EXPECT_EQ(other.params[i].offset, first.params[i].offset) << other.params[i].name;
          EXPECT_EQ(other.params[i].shape, first.params[i].shape) << other.params[i].name;
          EXPECT_EQ(other.params[i].role, first.params[i].role) << other.params[i].name;
        }
      }
    }
  }
}

TEST_P(TrainedLayout, ParametersLieOneBehindTheOtherInALittleRoom) {
  for_all_sets([&](const TrainedSet& set) {
    const ParameterLayout trained = trained_layout(spec_.layout, set);
    int64_t end = 0;
    for (const ParamSpec& param : trained.params) {
      EXPECT_GE(param.offset, end) << param.name;
      EXPECT_LT(param.offset, end + kArenaAlignment) << param.name;
      end = place_of(param).end;
    }
    EXPECT_EQ(trained.arena_size, aligned(end));
  });
}

TEST_P(TrainedLayout, StackedWeightsStaySideBySide) {
  for_all_sets([&](const TrainedSet& set) {
    const ParameterLayout trained = trained_layout(spec_.layout, set);
    const auto expect_behind = [&](const std::string& first, const std::string& second) {
      const ParamSpec& before = trained.find(first + "_proj.weight");
      EXPECT_EQ(trained.find(second + "_proj.weight").offset, place_of(before).end) << second;
    };
    for (const int64_t layer : *set.layers) {
      const std::string prefix = str("model.layers.", layer, ".");
      expect_behind(prefix + "self_attn.q", prefix + "self_attn.k");
      expect_behind(prefix + "self_attn.k", prefix + "self_attn.v");
      expect_behind(prefix + "mlp.gate", prefix + "mlp.up");
    }
  });
}

const ArenaRange& section_with(const ParameterLayout& sections, const ParameterLayout& places,
                               const std::string& name) {
  const int64_t offset = places.find(name).offset;
  size_t index = 0;
  while (places.sections[index].end <= offset) ++index;
  return sections.sections[index];
}

// A section holds what the section of the same number holds of all parameters, if it is trained.
TEST_P(TrainedLayout, SectionsCoverTheArena) {
  for_all_sets([&](const TrainedSet& set) {
    const ParameterLayout trained = trained_layout(spec_.layout, set);
    ASSERT_EQ(trained.sections.size(), spec_.layout.sections.size());
    int64_t end = 0;
    for (const ArenaRange& section : trained.sections) {
      EXPECT_EQ(section.begin, end);
      EXPECT_GE(section.size(), 0);
      end = section.end;
    }
    EXPECT_EQ(end, trained.arena_size);
    for (const ParamSpec& param : trained.params) {
      const ArenaRange& section = section_with(trained, spec_.layout, param.name);
      EXPECT_GE(param.offset, section.begin) << param.name;
      EXPECT_LE(place_of(param).end, section.end) << param.name;
    }
  });
}

TEST_P(TrainedLayout, OfAllLayersKeepsTheirPlaces) {
  const ParameterLayout all = trained_layout(spec_.layout, {});
  const ParameterLayout without_gates = trained_layout(spec_.layout, {.gates = false});
  EXPECT_EQ(all.params.size(), spec_.layout.params.size());
  EXPECT_EQ(without_gates.arena_size, spec_.layout.arena_size);
  EXPECT_EQ(without_gates.sections, spec_.layout.sections);
  for (const ParamSpec& param : spec_.layout.params) {
    EXPECT_EQ(all.find(param.name).offset, param.offset) << param.name;
    ASSERT_EQ(without_gates.contains(param.name), param.role != ParameterRole::kGate) << param.name;
    if (without_gates.contains(param.name)) {
      EXPECT_EQ(without_gates.find(param.name).offset, param.offset) << param.name;
    }
  }
}

// A model of the case's scheme, computed with Strata's own products, whose bits depend on nothing but the numbers.
class TrainedGradients : public testing::TestWithParam<Case> {
 protected:
  TestModel model_of(const TrainedSet& set) const {
    ModelSpec spec = spec_;
    spec.trained = trained_layout(spec.layout, set);
    return {spec, tiny_options(), "tiles"};
  }

  void compute(TestModel& test, const FinalGradients& when_final = {}) const {
    test::randomise(test.model.parameters(), 5);
    test.model.parameters().zero_gradients();
    test.model.loss_and_gradients(tiny_batch(spec_.dims.vocab), 0.01, when_final);
  }

  void expect_those_of(const TestModel& full, const TestModel& some, const TrainedSet& set) const {
    for (const ParamSpec& param : spec_.layout.params) {
      const at::Tensor ours = some.model.parameters().gradient(param.name);
      ASSERT_EQ(ours.defined(), is_trained(param, set)) << param.name;
      if (ours.defined()) {
        EXPECT_TRUE(at::equal(ours, full.model.parameters().gradient(param.name))) << param.name;
      }
    }
  }

  const ModelSpec spec_ = spec_of(GetParam());
};

TEST_P(TrainedGradients, AreThoseOfFullTrainingWhereverLayersMove) {
  TestModel full = model_of({});
  compute(full);
  for (const bool gates : {true, false}) {
    TestModel some = model_of({.gates = gates, .layers = Layers{0, 1}});
    for (const Layers& layers : {Layers{0, 1}, Layers{1, 3}, Layers{0, 2}, Layers{2, 3}}) {
      const TrainedSet set{.gates = gates, .layers = layers};
      some.model.set_trained(trained_layout(spec_.layout, set));
      compute(some);
      expect_those_of(full, some, set);
    }
  }
}

TEST_P(TrainedGradients, FrozenGatesChangeNoOther) {
  TestModel full = model_of({}), some = model_of({.gates = false});
  compute(full);
  compute(some);
  expect_those_of(full, some, {.gates = false});
}

// The promise that lets communication overlap the backward pass, of all of the arena, last part first.
TEST_P(TrainedGradients, SectionsAreFinalWhenTheyAreSaidToBe) {
  TestModel some = model_of({.layers = Layers{0, 1}});
  for (const Layers& layers : {Layers{0, 1}, Layers{1, 3}, Layers{0, 3}}) {
    some.model.set_trained(trained_layout(spec_.layout, {.layers = layers}));
    const at::Tensor& gradients = some.model.parameters().gradients();
    std::vector<std::pair<ArenaRange, at::Tensor>> seen;
    compute(some, [&](const ArenaRange& range) {
      seen.emplace_back(range, gradients.narrow(0, range.begin, range.size()).clone());
    });
    int64_t begin = gradients.numel();
    for (const auto& [range, then] : seen) {
      EXPECT_EQ(range.end, begin);
      EXPECT_GT(range.size(), 0);
      begin = range.begin;
      EXPECT_TRUE(at::equal(then, gradients.narrow(0, range.begin, range.size()))) << range.begin;
    }
    EXPECT_EQ(begin, 0);
  }
}

std::string test_name(const testing::TestParamInfo<Case>& info) { return name_of(info.param); }

INSTANTIATE_TEST_SUITE_P(Registry, TrainedLayout, testing::ValuesIn(all_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(Registry, TrainedGradients, testing::ValuesIn(all_cases()), test_name);

}  // namespace
}  // namespace strata::nn
