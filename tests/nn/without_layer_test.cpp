// A model without one of its layers is the smaller model that has the others' parameters.
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "strata/norm/make.h"
#include "support/errors.h"
#include "support/models.h"

namespace strata::test {
namespace {

nn::ModelSpec spec_of(const std::string& scheme, int64_t layers, const std::string& position = "auto") {
  config::ModelConfig dims = tiny_dims();
  dims.layers = layers;
  config::NormConfig norm;
  norm.scheme = scheme;
  if (position == "input") norm.gpas.position = config::GpasPosition::kInput;
  return nn::describe(dims, norm);
}

nn::ModelOptions forward_only() {
  nn::ModelOptions options = tiny_options();
  options.gradients = false;
  return options;
}

// The name in the whole model of what is called so in the one without a layer.
std::string name_in_whole(const std::string& name, int64_t left_out) {
  const std::string prefix = "model.layers.";
  if (!name.starts_with(prefix)) return name;
  const size_t end = name.find('.', prefix.size());
  const int64_t layer = std::stoll(name.substr(prefix.size(), end - prefix.size()));
  return prefix + std::to_string(layer + (layer >= left_out ? 1 : 0)) + name.substr(end);
}

class WithoutLayer : public testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(WithoutLayer, EqualsTheSmallerModel) {
  const auto [scheme, position] = GetParam();
  const nn::ModelSpec whole_spec = spec_of(scheme, 4, position);
  const auto batch = tiny_batch(whole_spec.dims.vocab);
  TestModel whole(whole_spec, forward_only());
  randomise(whole.model.parameters(), 11);
  const at::Tensor all_layers = whole.model.logits_NV(batch);
  for (int64_t left_out = 0; left_out < 4; ++left_out) {
    TestModel without(nn::without_layer(whole_spec, left_out), forward_only());
    TestModel smaller(spec_of(scheme, 3, position), forward_only());
    for (const auto& [name, value] : whole.parameters()) without.model.parameters().master(name).copy_(value);
    for (const auto& [name, value] : smaller.parameters()) {
      smaller.model.parameters().master(name).copy_(whole.model.parameters().value(name_in_whole(name, left_out)));
    }
    const at::Tensor logits = without.model.logits_NV(batch);
    EXPECT_TRUE(at::equal(logits, smaller.model.logits_NV(batch))) << "layer " << left_out;
    EXPECT_FALSE(at::equal(logits, all_layers));
  }
}

// Those whose records depend neither on a layer's number nor on how many there are.
INSTANTIATE_TEST_SUITE_P(Schemes, WithoutLayer,
                         testing::Values(std::tuple("pre", "auto"), std::tuple("pre+gpas", "auto"),
                                         std::tuple("pre+gpas", "input"), std::tuple("post+gpas", "auto"),
                                         std::tuple("sandwich+gpas", "auto")));

TEST(WithoutLayers, OfMixKeepWhatTheOthersWere) {
  config::ModelConfig dims = tiny_dims();
  dims.layers = 4;
  config::NormConfig norm;
  norm.scheme = "mix+gpas";
  const nn::ModelSpec whole = nn::describe(dims, norm);
  const nn::ModelSpec without = nn::without_layer(whole, 0);
  ASSERT_EQ(without.wiring.after.size(), 6U);
  EXPECT_EQ(without.wiring.after.back().next_gain->name, "model.norm.weight");
  for (size_t branch = 0; branch < 6; ++branch) {
    EXPECT_EQ(without.wiring.after[branch].rule.out_norm, whole.wiring.after[branch + 2].rule.out_norm);
    EXPECT_EQ(without.wiring.after[branch].gate, whole.wiring.after[branch + 2].gate);
  }
}

}  // namespace
}  // namespace strata::test
