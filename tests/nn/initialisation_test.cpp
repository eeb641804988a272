// What parameters start from: the table of each scheme, and streams of random numbers that belong to names.
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/std.h>

#include <cmath>

#include "strata/norm/make.h"
#include "support/models.h"

namespace strata::test {
namespace {

// Weights of at least 64 x 64, so that standard deviations can be told apart.
config::ModelConfig dims() {
  config::ModelConfig dims;
  dims.vocab = 500;
  dims.hidden = 64;
  dims.intermediate = 160;
  dims.layers = 4;
  dims.heads = 4;
  return dims;
}

class Initialised {
 public:
  explicit Initialised(const std::string& scheme, config::NormInit init = config::NormInit::kDefault)
      : model_(spec(scheme, init), tiny_options()) {
    model_.model.parameters().initialise(1);
  }

  at::Tensor value(const std::string& name) const { return model_.model.parameters().value(name); }
  const nn::ParameterLayout& layout() const { return model_.model.spec().layout; }

  // The sample's standard deviation has a relative deviation of 1/sqrt(2 n): five of them.
  void expect_std(const std::string& name, double expected) const {
    const at::Tensor sample = value(name).to(at::kDouble);
    const double bound = 5.0 / std::sqrt(2.0 * static_cast<double>(sample.numel()));
    EXPECT_NEAR(at::std(sample, false).item<double>() / expected, 1.0, bound) << name;
    EXPECT_LT(std::abs(sample.mean().item<double>()), 5.0 * expected / std::sqrt(static_cast<double>(sample.numel())));
  }

  void expect_layer_std(const std::vector<std::string>& parts, double expected) const {
    for (const std::string& part : parts) {
      for (const char* layer : {"0", "3"}) expect_std(std::string("model.layers.") + layer + "." + part, expected);
    }
  }

  void expect_filled(const std::string& name, double expected) const {
    EXPECT_LT((value(name) - expected).abs().max().item<double>(), 1e-7) << name;
  }

 private:
  static nn::ModelSpec spec(const std::string& scheme, config::NormInit init) {
    config::NormConfig norm;
    norm.scheme = scheme;
    norm.init = init;
    return nn::describe(dims(), norm);
  }
  TestModel model_;
};

const std::vector<std::string> kAttentionPattern{"self_attn.q_proj.weight", "self_attn.k_proj.weight"};
const std::vector<std::string> kSquareValues{"self_attn.v_proj.weight", "self_attn.o_proj.weight"};
const std::vector<std::string> kFeedForward{"mlp.gate_proj.weight", "mlp.up_proj.weight", "mlp.down_proj.weight"};

void expect_plain_layers(const Initialised& model) {
  model.expect_layer_std(kAttentionPattern, 0.02);
  model.expect_layer_std(kSquareValues, 0.02);
  model.expect_layer_std(kFeedForward, 0.02);
}

TEST(Initialisation, PlainSchemesStartFromTheLineagesNumbers) {
  for (const char* scheme : {"post", "pre", "sandwich", "mix", "lns", "lns_fixed"}) {
    SCOPED_TRACE(scheme);
    const Initialised model(scheme);
    expect_plain_layers(model);
    model.expect_std("model.embed_tokens.weight", std::sqrt(2.0 / 5.0));
    model.expect_std("lm_head.weight", 0.02);
    model.expect_filled("model.norm.weight", 1.0);
  }
}

// Xavier-normal, sqrt(2 / (in + out)), times 1 on q and k and (8 L)^(-1/4) elsewhere; L = 4.
TEST(Initialisation, DeepNormIsXavierWithItsGain) {
  const double gain = std::pow(32.0, -0.25);
  for (const char* scheme : {"deepnorm", "deepnorm+gpas"}) {
    SCOPED_TRACE(scheme);
    const Initialised model(scheme);
    model.expect_layer_std(kAttentionPattern, std::sqrt(2.0 / 128.0));
    model.expect_layer_std(kSquareValues, gain * std::sqrt(2.0 / 128.0));
    model.expect_layer_std(kFeedForward, gain * std::sqrt(2.0 / 224.0));
    model.expect_std("lm_head.weight", 0.02);
  }
}

// The paper's code gives DeepNorm's initialisation to the scheme without gates only.
TEST(Initialisation, ReferenceTakesDeepNormsAwayUnderGates) {
  expect_plain_layers(Initialised("deepnorm+gpas", config::NormInit::kReference));
  Initialised("deepnorm", config::NormInit::kReference).expect_layer_std(kAttentionPattern, std::sqrt(2.0 / 128.0));
}

TEST(Initialisation, ScaledInitMakesWhatWritesToTheStreamSmaller) {
  const Initialised model("scaled_init");
  model.expect_layer_std(kAttentionPattern, 0.02);
  model.expect_layer_std({"self_attn.v_proj.weight", "mlp.gate_proj.weight", "mlp.up_proj.weight"}, 0.02);
  model.expect_layer_std({"self_attn.o_proj.weight", "mlp.down_proj.weight"}, 0.02 / std::sqrt(8.0));
}

TEST(Initialisation, LnsGainsStartSmallerByDepth) {
  const Initialised lns("lns");
  const Initialised fixed("lns_fixed");
  for (int64_t layer = 0; layer < 4; ++layer) {
    const std::string prefix = "model.layers." + std::to_string(layer) + ".";
    for (const char* norm : {"input_layernorm.weight", "post_attention_layernorm.weight"}) {
      lns.expect_filled(prefix + norm, 1.0 / std::sqrt(static_cast<double>(layer + 1)));
      fixed.expect_filled(prefix + norm, 1.0);
    }
  }
}

// Schemes are compared from one start: a tensor's random numbers depend on the seed and on its name alone.
TEST(Initialisation, SchemesShareTheirStartValues) {
  const Initialised pre("pre");
  for (const std::string& scheme : norm::all_scheme_names()) {
    SCOPED_TRACE(scheme);
    const Initialised other(scheme);
    for (const ParamSpec& param : pre.layout().params) {
      if (param.start_std == 0.0) continue;
      const ParamSpec& its = other.layout().find(param.name);
      if (its.start_std == param.start_std) {
        EXPECT_TRUE(at::equal(pre.value(param.name), other.value(param.name))) << param.name;
      } else {
        const at::Tensor scaled = pre.value(param.name) * (its.start_std / param.start_std);
        EXPECT_LT(relative_error(other.value(param.name), scaled), 1e-6) << param.name;
      }
    }
  }
}

}  // namespace
}  // namespace strata::test
