// The options of norm.gpas: each against the same model in plain ATen under autograd.
#include <ATen/ops/equal.h>

#include <algorithm>
#include <cmath>

#include "strata/config/key_error.h"
#include "support/models.h"

namespace strata::test {
namespace {

using config::GpasPosition;

std::string name_of(GpasPosition position) {
  return std::string(enum_names(position).at(static_cast<size_t>(position)));
}

nn::ModelSpec spec_of(const std::string& scheme, const config::GpasConfig& gpas) {
  config::NormConfig norm;
  norm.scheme = scheme + "+gpas";
  norm.gpas = gpas;
  return nn::describe(tiny_dims(), norm);
}

// Two short rows are enough: what differs here is between the branches.
data::TokenBatch short_batch(int64_t vocab) {
  const data::TokenRows rows{{5, 9, 33, 7, 21, 2, 60, 14}, {1, 4, 44}};
  return data::TokenBatch::from_rows(rows, &rows, vocab);
}

double loss_and_gradients(TestModel& ours, const data::TokenBatch& batch) {
  const double scale = 1.0 / static_cast<double>(batch.num_targets());
  return scale * ours.model.loss_and_gradients(batch, scale);
}

// Away from 0, where every activation has the factor 1, and from where a factor is 0 and its relative error large.
void set_gates(const TestModel& ours) {
  double alpha = -0.9;
  for (const ParamSpec& param : ours.model.spec().layout.params) {
    if (param.role != ParameterRole::kGate) continue;
    ours.model.parameters().value(param.name).fill_(alpha);
    alpha = alpha > 0.5 ? -0.8 : alpha + 0.4;
  }
}

// Relative errors of a chain of some 20 matrix products in fp32. A gate's gradient is a sum with cancellation over all
// that its layer puts out, and all but 0 where a norm undoes the gate: it is measured by the largest of them.
void expect_reference(const nn::ModelSpec& spec, config::Recompute recompute = config::Recompute::kNone) {
  nn::ModelOptions options = tiny_options();
  options.recompute = recompute;
  TestModel ours(spec, options);
  randomise(ours.model.parameters(), 21);
  set_gates(ours);
  const data::TokenBatch batch = short_batch(spec.dims.vocab);
  const double loss = loss_and_gradients(ours, batch);
  const TensorMap leaves = reference_leaves(ours.parameters());
  const ReferenceResult reference = reference_forward(spec, leaves, batch);
  reference.loss.backward();
  EXPECT_NEAR(loss, reference.loss.item<double>(), 1e-5);
  double largest_gate = 0.0;
  for (const auto& [name, value] : leaves) {
    if (value.dim() == 0 && value.grad().defined()) {
      largest_gate = std::max(largest_gate, std::abs(value.grad().item<double>()));
    }
  }
  for (const auto& [name, gradient] : ours.gradients()) {
    const at::Tensor& expected = leaves.at(name).grad();
    if (!expected.defined()) {
      EXPECT_EQ(gradient.abs().max().item<double>(), 0.0) << name;
    } else if (gradient.dim() == 0) {
      EXPECT_NEAR(gradient.item<double>(), expected.item<double>(), 1e-4 * largest_gate) << name;
    } else {
      EXPECT_LT(relative_error(gradient, expected), 3e-5) << name;
    }
  }
}

class GpasPositions : public testing::TestWithParam<std::tuple<std::string, GpasPosition, bool>> {
 protected:
  config::GpasConfig gpas() const {
    return {.position = std::get<1>(GetParam()), .stop_gradient = std::get<2>(GetParam())};
  }
  std::string scheme() const { return std::get<0>(GetParam()); }
};

TEST_P(GpasPositions, LossAndGradientsEqualTheReference) { expect_reference(spec_of(scheme(), gpas())); }

TEST_P(GpasPositions, AlsoWithAGatePerSublayer) {
  config::GpasConfig per_sublayer = gpas();
  per_sublayer.per = config::GpasPer::kSublayer;
  const nn::ModelSpec spec = spec_of(scheme(), per_sublayer);
  EXPECT_TRUE(spec.layout.contains("model.layers.2.gpas_block.attention_gate"));
  EXPECT_TRUE(spec.layout.contains("model.layers.2.gpas_block.feed_forward_gate"));
  expect_reference(spec);
}

// Each position needs other buffers to last until the backward pass.
TEST_P(GpasPositions, AlsoWhenLayersAreRecomputed) {
  expect_reference(spec_of(scheme(), gpas()), config::Recompute::kLayer);
}

std::string position_name(const testing::TestParamInfo<GpasPositions::ParamType>& info) {
  return std::get<0>(info.param) + "_" + name_of(std::get<1>(info.param)) +
         (std::get<2>(info.param) ? "" : "_with_gradient");
}

INSTANTIATE_TEST_SUITE_P(Schemes, GpasPositions,
                         testing::Combine(testing::Values("pre", "sandwich", "mix"),
                                          testing::Values(GpasPosition::kAuto, GpasPosition::kSum, GpasPosition::kSkip,
                                                          GpasPosition::kBranch, GpasPosition::kNorm),
                                          testing::Bool()),
                         position_name);

INSTANTIATE_TEST_SUITE_P(BeforeTheSublayer, GpasPositions,
                         testing::Combine(testing::Values("pre", "sandwich"), testing::Values(GpasPosition::kInput),
                                          testing::Bool()),
                         position_name);

// A gate before a sub-layer scales the stream after the norm of the one before it: no junction can say that.
TEST(GpasPosition, InputHasNoPlaceUnderASchemeThatNormalisesItsSums) {
  for (const std::string scheme : {"mix", "post", "deepnorm"}) {
    try {
      spec_of(scheme, {.position = GpasPosition::kInput});
      ADD_FAILURE() << scheme;
    } catch (const config::KeyError& error) {
      EXPECT_EQ(error.key(), "norm.gpas.position") << scheme;
    }
  }
}

class GpasActivations : public testing::TestWithParam<GateActivation> {};

TEST_P(GpasActivations, LossAndGradientsEqualTheReference) {
  for (const bool stop_gradient : {true, false}) {
    expect_reference(spec_of("pre", {.stop_gradient = stop_gradient, .activation = GetParam()}));
  }
}

INSTANTIATE_TEST_SUITE_P(All, GpasActivations,
                         testing::Values(GateActivation::kSilu, GateActivation::kIdentity, GateActivation::kRelu,
                                         GateActivation::kTanh, GateActivation::kLeakyRelu,
                                         GateActivation::kScaledSilu),
                         [](const auto& info) {
                           return std::string(enum_names(info.param).at(static_cast<size_t>(info.param)));
                         });

TEST(GpasGate, StaysAsItIsWhenNotLearnable) {
  const nn::ModelSpec spec = spec_of("pre", {.learnable = false});
  expect_reference(spec);
  TestModel ours(spec, tiny_options());
  randomise(ours.model.parameters(), 22);
  loss_and_gradients(ours, short_batch(spec.dims.vocab));
  for (const auto& [name, gradient] : ours.gradients()) {
    if (gradient.dim() == 0) {
      EXPECT_EQ(gradient.item<double>(), 0.0) << name;
    }
  }
}

TEST(GpasGate, BeginsAtItsStartValue) {
  const nn::ModelSpec spec = spec_of("sandwich", {.start = -0.75});
  TestModel ours(spec, tiny_options());
  ours.model.parameters().initialise(1);
  int gates = 0;
  for (const ParamSpec& param : spec.layout.params) {
    if (param.role != ParameterRole::kGate) continue;
    EXPECT_EQ(ours.model.parameters().value(param.name).item<double>(), -0.75);
    ++gates;
  }
  EXPECT_EQ(gates, spec.dims.layers);
}

// GPAS at its start value 0 is a factor of 1: the decorated model begins as the plain one.
TEST(GpasGate, AtZeroChangesNothing) {
  config::NormConfig plain;
  plain.scheme = "sandwich";
  TestModel without(nn::describe(tiny_dims(), plain), tiny_options());
  TestModel with(spec_of("sandwich", {}), tiny_options());
  without.model.parameters().initialise(3);
  with.model.parameters().initialise(3);
  const data::TokenBatch batch = short_batch(tiny_dims().vocab);
  EXPECT_TRUE(at::equal(without.model.logits_NV(batch), with.model.logits_NV(batch)));
}

}  // namespace
}  // namespace strata::test
