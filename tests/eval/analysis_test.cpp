#include "strata/eval/analysis.h"

#include <ATen/ops/atan2.h>

#include <cmath>
#include <numbers>
#include <random>

#include "strata/norm/make.h"
#include "support/errors.h"
#include "support/models.h"

namespace strata::eval {
namespace {

using strata::test::TensorMap;
using strata::test::TestModel;
using testing::ElementsAre;
using testing::SizeIs;

nn::ModelSpec spec_of(const std::string& scheme) {
  config::NormConfig norm;
  norm.scheme = scheme;
  return nn::describe(strata::test::tiny_dims(), norm);
}

struct RandomModel : TestModel {
  RandomModel(const nn::ModelSpec& spec, int64_t max_tokens)
      : TestModel(spec, {.limits = {.max_tokens = max_tokens, .longest_row = 30}}, "tiles") {
    strata::test::randomise(model.parameters(), 5);
  }
};

Excerpt beginning_of(const std::vector<Document>& all, int64_t max_length, int64_t tokens) {
  size_t at = 0;
  return excerpt_of([&](Document& document) { return at < all.size() && (document = all[at++], true); }, max_length,
                    tokens);
}

// Documents of random ids, the longest of several rows.
Excerpt some_text(int64_t tokens = 150) {
  std::mt19937 random(3);
  std::vector<Document> all(8);
  for (size_t i = 0; i < all.size(); ++i) {
    all[i].ids.resize(1 + 11 * i);
    for (int32_t& id : all[i].ids) id = static_cast<int32_t>(random() % 61);
  }
  return beginning_of(all, 30, tokens);
}

// By another formula than arccos of the cosine.
double angular_distance(const at::Tensor& x_ND, const at::Tensor& y_ND) {
  const auto unit = [](const at::Tensor& z_ND) { return z_ND.div(z_ND.norm(2, {1}, true)); };
  const at::Tensor difference_N = unit(x_ND).sub(unit(y_ND)).norm(2, {1}, false);
  const at::Tensor sum_N = unit(x_ND).add(unit(y_ND)).norm(2, {1}, false);
  return 2.0 / std::numbers::pi * at::atan2(difference_N, sum_N).mean().item<double>();
}

TEST(Excerpt, IsTheBeginningOfTheText) {
  const std::vector<Document> all{
      {.ids = {10, 11, 12, 13, 14}}, {.ids = {20, 21, 22}}, {.ids = {30}}, {.ids = {40, 41, 42, 43, 44}}, {.ids = {5}}};
  const Excerpt text = beginning_of(all, 4, 12);
  EXPECT_THAT(text.rows, ElementsAre(ElementsAre(10, 11, 12, 13), ElementsAre(14), ElementsAre(20, 21, 22),
                                     ElementsAre(30), ElementsAre(40, 41, 42)));
  EXPECT_EQ(text.documents, 4);
  EXPECT_EQ(text.tokens, 12);
  EXPECT_EQ(text.targets, 7);
  EXPECT_EQ(text.longest, 4);
  EXPECT_EQ(beginning_of(all, 4, 1000).tokens, 15);
  EXPECT_THAT(strata::test::error_of([&] { beginning_of({{.ids = {30}}}, 4, 12); }),
              testing::HasSubstr("no row has a second token"));
}

class AnalysisOf : public testing::TestWithParam<std::string> {};

TEST_P(AnalysisOf, EqualsTheReferenceInFp64) {
  const nn::ModelSpec spec = spec_of(GetParam());
  RandomModel ours(spec, 60);
  const Excerpt text = some_text();
  const Analysis found = analyze(ours.model, text);

  const TensorMap leaves = strata::test::reference_leaves(ours.parameters());
  const auto batch = data::TokenBatch::from_rows(text.rows, nullptr, spec.dims.vocab);
  const auto reference = strata::test::reference_forward(spec, leaves, batch);
  reference.loss.backward();
  std::vector<at::Tensor> streams{leaves.at("model.embed_tokens.weight").detach().index_select(0, batch.tokens_N)};
  for (const at::Tensor& stream : reference.hidden_ND) streams.push_back(stream.detach());

  EXPECT_EQ(found.tokens, text.tokens);
  EXPECT_NEAR(found.loss, reference.loss.item<double>(), 1e-5);
  ASSERT_THAT(found.angular_distance, SizeIs(streams.size()));
  for (size_t x = 0; x < streams.size(); ++x) {
    for (size_t y = 0; y < streams.size(); ++y) {
      EXPECT_NEAR(found.angular_distance[x][y], angular_distance(streams[x], streams[y]), 1e-6) << x << ", " << y;
    }
  }
  for (size_t layer = 0; layer + 1 < streams.size(); ++layer) {
    const double variance = streams[layer + 1].var(false).item<double>();
    EXPECT_NEAR(found.activation_variance[layer] / variance, 1.0, 1e-5) << layer;
    double square = 0.0;
    for (const ParamSpec& param : spec.layout.params) {
      if (param.layer == static_cast<int64_t>(layer))
        square += leaves.at(param.name).grad().square().sum().item<double>();
    }
    EXPECT_NEAR(found.gradient_norm[layer] / std::sqrt(square), 1.0, 1e-4) << layer;
  }
}

INSTANTIATE_TEST_SUITE_P(Schemes, AnalysisOf, testing::Values("pre+gpas", "post", "sandwich+gpas", "mix+gpas"),
                         [](const auto& info) { return std::string(info.param, 0, info.param.find('+')); });

TEST(Analysis, DoesNotDependOnBatches) {
  const nn::ModelSpec spec = spec_of("sandwich+gpas");
  RandomModel one(spec, 400), many(spec, 30);
  const Excerpt text = some_text();
  std::vector<int64_t> told;
  const Analysis expected = analyze(one.model, text);
  const Analysis found = analyze(many.model, text, [&](int64_t tokens) { told.push_back(tokens); });
  EXPECT_GT(told.size(), 3U);
  EXPECT_EQ(told.back(), text.tokens);
  EXPECT_NEAR(found.loss / expected.loss, 1.0, 1e-7);
  for (size_t x = 0; x < expected.angular_distance.size(); ++x) {
    EXPECT_THAT(found.angular_distance[x],
                testing::Pointwise(testing::DoubleNear(1e-12), expected.angular_distance[x]));
  }
  for (size_t layer = 0; layer < expected.gradient_norm.size(); ++layer) {
    EXPECT_NEAR(found.activation_variance[layer] / expected.activation_variance[layer], 1.0, 1e-12);
    EXPECT_NEAR(found.gradient_norm[layer] / expected.gradient_norm[layer], 1.0, 1e-5);
  }
  EXPECT_EQ(analyze(many.model, text).gradient_norm, found.gradient_norm);  // of this call alone
}

TEST(Analysis, HasTheGatesOfEveryLayer) {
  config::NormConfig norm;
  norm.scheme = "pre+gpas";
  norm.gpas.per = config::GpasPer::kSublayer;
  RandomModel made(nn::describe(strata::test::tiny_dims(), norm), 60);
  const Analysis found = analyze(made.model, some_text());
  ASSERT_THAT(found.gates, SizeIs(8));
  for (size_t gate = 0; gate < found.gates.size(); ++gate) {
    const double alpha = found.gates[gate].alpha;
    EXPECT_EQ(found.gates[gate].layer, static_cast<int64_t>(gate / 2));
    EXPECT_NEAR(found.gates[gate].factor, 1.0 - alpha / (1.0 + std::exp(-alpha)), 1e-6);
  }
}

TEST(Analysis, OfStreamsThatAreNought) {
  RandomModel made(spec_of("pre"), 60);
  made.model.parameters().value("model.embed_tokens.weight").zero_();
  const Analysis found = analyze(made.model, some_text());
  EXPECT_NEAR(found.loss, std::log(61.0), 1e-5);
  for (size_t x = 0; x < found.angular_distance.size(); ++x) {
    for (size_t y = 0; y < found.angular_distance.size(); ++y) {
      EXPECT_DOUBLE_EQ(found.angular_distance[x][y], x == y ? 0.0 : 0.5);
    }
  }
}

TEST(Analysis, RefusesWhatIsNotFinite) {
  RandomModel made(spec_of("pre"), 60);
  made.model.parameters().value("model.norm.weight").fill_(std::numeric_limits<float>::quiet_NaN());
  EXPECT_THAT(strata::test::error_of([&] { analyze(made.model, some_text()); }),
              testing::HasSubstr("does not compute with finite numbers"));
}

}  // namespace
}  // namespace strata::eval
