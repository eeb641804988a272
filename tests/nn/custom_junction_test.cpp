// The escape hatch: junctions that a scheme writes itself, in ATen operations under autograd.
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/rms_norm.h>
#include <ATen/ops/silu.h>

#include "strata/config/key_error.h"
#include "strata/norm/gpas.h"
#include "strata/norm/make.h"
#include "support/models.h"

namespace strata::test {
namespace {

using norm::Branch;
using norm::CustomJunction;
using norm::Norm;
using norm::Site;

at::Tensor rms(const at::Tensor& x, const at::Tensor& gain) { return at::rms_norm(x, {x.size(-1)}, gain, 1e-6); }

std::string of_layer(int64_t layer, const std::string& part) {
  return "model.layers." + std::to_string(layer) + "." + part;
}

// The names of sandwich+gpas: the norm that a junction ends in belongs to the next sub-layer.
std::string next_norm_name(const Site& site) {
  if (site.branch == Branch::kAttention) return of_layer(site.layer, "pre_feedforward_layernorm.weight");
  if (site.layer + 1 == site.layers) return "model.norm.weight";
  return of_layer(site.layer + 1, "input_layernorm.weight");
}

// sandwich+gpas once more, every junction by hand:  x <- G(x + N'(f(N x)))
class SandwichByHand : public norm::Scheme {
 public:
  norm::Sublayer sublayer(const Site&) const override { return {.input_norm = Norm::kRms}; }

  std::optional<CustomJunction> custom(const Site& site) const override {
    const char* const leaving = site.branch == Branch::kAttention ? "post_attention" : "post_feedforward";
    return CustomJunction{
        .parameters = {{.name = of_layer(site.layer, leaving + std::string("_layernorm.weight"))},
                       {.name = of_layer(site.layer, "gpas_block.gate"), .shape = {}, .start = 0.0},
                       {.name = next_norm_name(site)}},
        .function = [](const at::Tensor& x, const at::Tensor& f, const std::vector<at::Tensor>& parameters) {
          const at::Tensor sum = x + rms(f, parameters[0]);
          const at::Tensor out = sum - at::silu(parameters[1]) * sum.detach();
          return std::pair(out, rms(out, parameters[2]));
        }};
  }
};

nn::ModelSpec fused_spec() {
  config::NormConfig norm;
  norm.scheme = "sandwich+gpas";
  return nn::describe(tiny_dims(), norm);
}

void copy_parameters(const TestModel& from, const TestModel& to) {
  for (const auto& [name, value] : from.parameters()) to.model.parameters().value(name).copy_(value);
}

class CustomJunctions : public testing::TestWithParam<config::Recompute> {
 protected:
  nn::ModelOptions options() const {
    nn::ModelOptions options = tiny_options();
    options.recompute = GetParam();
    return options;
  }
};

TEST_P(CustomJunctions, ByHandEqualFusedOnes) {
  TestModel fused(fused_spec(), options());
  TestModel by_hand(nn::describe(tiny_dims(), SandwichByHand()), options());
  ASSERT_EQ(fused.parameters().size(), by_hand.parameters().size());
  randomise(fused.model.parameters(), 31);
  copy_parameters(fused, by_hand);
  const data::TokenBatch batch = tiny_batch(tiny_dims().vocab);
  // Twice: gradients add up, and nothing of the first batch is left over.
  for (int micro_batch = 0; micro_batch < 2; ++micro_batch) {
    const double expected = fused.model.loss_and_gradients(batch, 0.01);
    EXPECT_NEAR(by_hand.model.loss_and_gradients(batch, 0.01) / expected, 1.0, 1e-6);
  }
  for (const auto& [name, gradient] : fused.gradients()) {
    EXPECT_LT(relative_error(by_hand.model.parameters().gradient(name), gradient), gradient.dim() == 0 ? 1e-4 : 1e-5)
        << name;
  }
  for (int64_t layer = 0; layer < tiny_dims().layers; ++layer) {
    EXPECT_LT(relative_error(by_hand.model.row_sums_N2(layer, batch.num_tokens()),
                             fused.model.row_sums_N2(layer, batch.num_tokens())),
              1e-5);
  }
}

// What no record says: every channel of every branch with a scale of its own (LayerScale, arXiv 2103.17239), in the
// feed-forward halves alone, between fused junctions.
class LayerScale final : public norm::Scheme {
 public:
  norm::Sublayer sublayer(const Site&) const override { return {.input_norm = Norm::kRms}; }

  std::optional<CustomJunction> custom(const Site& site) const override {
    if (site.branch == Branch::kAttention) return std::nullopt;
    return CustomJunction{
        .parameters = {{.name = of_layer(site.layer, "residual_scale"), .start = 0.5}, {.name = next_norm_name(site)}},
        .function = [](const at::Tensor& x, const at::Tensor& f, const std::vector<at::Tensor>& parameters) {
          const at::Tensor out = x + parameters[0] * f;
          return std::pair(out, rms(out, parameters[1]));
        }};
  }
};

// The reference runs the same function in fp64 under autograd of its own.
TEST_P(CustomJunctions, SayWhatNoRecordCan) {
  const nn::ModelSpec spec = nn::describe(tiny_dims(), LayerScale());
  EXPECT_EQ(spec.layout.find("model.layers.1.residual_scale").shape, std::vector<int64_t>{tiny_dims().hidden});
  TestModel ours(spec, options());
  ours.model.parameters().initialise(5);
  EXPECT_EQ(ours.model.parameters().value("model.layers.1.residual_scale").max().item<double>(), 0.5);
  randomise(ours.model.parameters(), 32);
  const data::TokenBatch batch = tiny_batch(tiny_dims().vocab);
  const double scale = 1.0 / static_cast<double>(batch.num_targets());
  const double loss = scale * ours.model.loss_and_gradients(batch, scale);
  const TensorMap leaves = reference_leaves(ours.parameters());
  const ReferenceResult reference = reference_forward(spec, leaves, batch);
  reference.loss.backward();
  EXPECT_NEAR(loss, reference.loss.item<double>(), 1e-5);
  for (const auto& [name, gradient] : ours.gradients()) {
    EXPECT_LT(relative_error(gradient, leaves.at(name).grad()), 2e-5) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Recompute, CustomJunctions,
                         testing::Values(config::Recompute::kNone, config::Recompute::kFfn, config::Recompute::kLayer),
                         [](const auto& info) {
                           return std::string(config::enum_names(info.param).at(static_cast<size_t>(info.param)));
                         });

TEST(CustomJunction, RunsWithoutGradientsAndInBf16) {
  nn::ModelOptions options = tiny_options();
  options.gradients = false;
  options.precision = config::Precision::kBf16;
  TestModel evaluated(nn::describe(tiny_dims(), LayerScale()), options);
  evaluated.model.parameters().initialise(6);
  EXPECT_GT(evaluated.model.loss(tiny_batch(tiny_dims().vocab)), 0.0);
}

TEST(CustomJunction, GatesHaveNoPlaceInIt) {
  const auto gated =
      norm::with_gates(std::make_unique<LayerScale>(), config::GpasPosition::kAuto, config::NormInit::kDefault);
  EXPECT_THROW(nn::describe(tiny_dims(), *gated), config::KeyError);
}

// The mistake of a function that reduces, broadcasts or converts.
class WrongShape final : public SandwichByHand {
 public:
  std::optional<CustomJunction> custom(const Site& site) const override {
    auto junction = SandwichByHand::custom(site);
    junction->function = [](const at::Tensor& x, const at::Tensor&, const std::vector<at::Tensor>&) {
      return std::pair(x, x.sum(-1));
    };
    return junction;
  }
};

TEST(CustomJunction, ResultsOfTheWrongShapeAreNamed) {
  TestModel ours(nn::describe(tiny_dims(), WrongShape()), tiny_options());
  try {
    ours.model.loss(tiny_batch(tiny_dims().vocab));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("a custom junction gives"));
  }
}

}  // namespace
}  // namespace strata::test
