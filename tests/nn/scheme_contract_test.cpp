// Every scheme, with and without GPAS, found through the registry: a new file is tested the moment it exists.
#include <ATen/ops/equal.h>
#include <ATen/ops/isfinite.h>

#include <set>

#include "strata/base/threads.h"
#include "strata/norm/make.h"
#include "support/models.h"
#include "support/temp_folder.h"

namespace strata::test {
namespace {

nn::ModelSpec tiny_spec(const std::string& scheme) {
  config::NormConfig norm;
  norm.scheme = scheme;
  norm.prores.warmup_steps = 8;
  nn::ModelSpec spec = nn::describe(tiny_dims(), norm);
  if (scheme.ends_with("+prores")) spec.update = 3;  // one layer's branches are in, of the others a part
  return spec;
}

class SchemeContract : public testing::TestWithParam<std::string> {
 protected:
  nn::ModelSpec spec_ = tiny_spec(GetParam());
};

TEST_P(SchemeContract, BackwardEqualsAutogradOfTheReference) {
  TestModel ours(spec_, tiny_options());
  randomise(ours.model.parameters(), 7);
  const auto batch = tiny_batch(spec_.dims.vocab);
  const double scale = 1.0 / static_cast<double>(batch.num_targets());
  const double loss = scale * ours.model.loss_and_gradients(batch, scale);

  const TensorMap leaves = reference_leaves(ours.parameters());
  const auto reference = reference_forward(spec_, leaves, batch);
  reference.loss.backward();
  EXPECT_NEAR(loss, reference.loss.item<double>(), 1e-5);
  for (const auto& [name, gradient] : ours.gradients()) {
    // A gate's gradient is a sum with cancellation over everything that its layer puts out.
    const double bound = gradient.numel() == 1 ? 1e-3 : 2e-5;
    EXPECT_LT(relative_error(gradient, leaves.at(name).grad()), bound) << name;
  }
}

TEST_P(SchemeContract, LogitsAndHiddenStatesEqualTheReference) {
  TestModel ours(spec_, tiny_options());
  randomise(ours.model.parameters(), 8);
  const auto batch = tiny_batch(spec_.dims.vocab);
  std::vector<at::Tensor> hidden;
  const at::Tensor logits =
      ours.model.logits_NV(batch, [&](int64_t, const at::Tensor& stream) { hidden.push_back(stream.clone()); });
  const auto reference = reference_forward(spec_, reference_leaves(ours.parameters()), batch);
  EXPECT_LT(relative_error(logits, reference.logits_NV), 5e-6);
  ASSERT_EQ(hidden.size(), reference.hidden_ND.size());
  for (size_t layer = 0; layer < hidden.size(); ++layer) {
    EXPECT_LT(relative_error(hidden[layer], reference.hidden_ND[layer]), 5e-6) << "layer " << layer;
  }
}

TEST_P(SchemeContract, GradientsAddUpOverMicroBatches) {
  TestModel twice(spec_, tiny_options());
  TestModel once(spec_, tiny_options());
  randomise(twice.model.parameters(), 3);
  once.model.parameters().values().copy_(twice.model.parameters().values());
  const auto batch = tiny_batch(spec_.dims.vocab);
  twice.model.loss_and_gradients(batch, 0.5);
  twice.model.loss_and_gradients(batch, 0.5);
  once.model.loss_and_gradients(batch, 1.0);
  EXPECT_LT(relative_error(twice.model.parameters().gradients(), once.model.parameters().gradients()), 1e-6);
}

TEST_P(SchemeContract, LaterTokensDoNotReachBack) {
  TestModel ours(spec_, tiny_options(), "tiles");
  randomise(ours.model.parameters(), 9);
  data::TokenRows rows{{5, 9, 33, 7, 21, 2}};
  const at::Tensor before = ours.model.logits_NV(data::TokenBatch::from_rows(rows, nullptr, spec_.dims.vocab));
  rows[0][4] = 50;
  const at::Tensor after = ours.model.logits_NV(data::TokenBatch::from_rows(rows, nullptr, spec_.dims.vocab));
  EXPECT_TRUE(at::equal(before.narrow(0, 0, 4), after.narrow(0, 0, 4)));
  EXPECT_FALSE(at::equal(before[4], after[4]));
}

TEST_P(SchemeContract, RowsDoNotSeeEachOther) {
  TestModel ours(spec_, tiny_options(), "tiles");
  randomise(ours.model.parameters(), 10);
  const data::TokenRows pair{{5, 9, 33, 7, 21, 2}, {1, 4, 44}};
  const at::Tensor together = ours.model.logits_NV(data::TokenBatch::from_rows(pair, nullptr, spec_.dims.vocab));
  const at::Tensor alone = ours.model.logits_NV(data::TokenBatch::from_rows({pair[1]}, nullptr, spec_.dims.vocab));
  EXPECT_TRUE(at::equal(together.narrow(0, 6, 3), alone));
}

TEST_P(SchemeContract, NamesAreUniqueAndEverySectionIsCovered) {
  std::set<std::string> names;
  int64_t end = 0;
  for (const ParamSpec& param : spec_.layout.params) {
    EXPECT_TRUE(names.insert(param.name).second) << param.name;
    EXPECT_GE(param.offset, end) << param.name;
    end = place_of(param).end;
  }
  EXPECT_EQ(spec_.layout.sections.size(), static_cast<size_t>(spec_.dims.layers + 2));
  EXPECT_EQ(spec_.layout.sections.front().begin, 0);
  EXPECT_EQ(spec_.layout.sections.back().end, spec_.layout.arena_size);
}

// The promise that lets communication overlap the backward pass.
TEST_P(SchemeContract, SectionsAreFinalWhenTheyAreSaidToBe) {
  TestModel ours(spec_, tiny_options());
  randomise(ours.model.parameters(), 11);
  const at::Tensor gradients = ours.model.parameters().gradients();
  std::vector<std::pair<ArenaRange, at::Tensor>> seen;
  ours.model.loss_and_gradients(tiny_batch(spec_.dims.vocab), 1.0, [&](ArenaRange range) {
    seen.emplace_back(range, gradients.narrow(0, range.begin, range.end - range.begin).clone());
  });
  ASSERT_EQ(seen.size(), spec_.layout.sections.size());
  for (const auto& [range, then] : seen) {
    EXPECT_TRUE(at::equal(then, gradients.narrow(0, range.begin, range.end - range.begin))) << range.begin;
  }
}

TEST_P(SchemeContract, SavedAndLoadedModelsHaveTheSameBits) {
  const TempFolder folder;
  TestModel first(spec_, tiny_options());
  TestModel second(spec_, tiny_options());
  randomise(first.model.parameters(), 12);
  const nn::Parameters& saved = first.model.parameters();
  nn::save_parameters(saved.layout(), saved.master(), folder / "model.safetensors");
  nn::load_parameters(second.model.parameters(), io::TensorFiles(folder / "model.safetensors"));
  for (const auto& [name, value] : first.parameters()) {
    EXPECT_TRUE(at::equal(value, second.model.parameters().value(name))) << name;
  }
}

TEST_P(SchemeContract, RecomputationKeepsTheBits) {
  const auto gradients_with = [&](config::Recompute recompute) {
    nn::ModelOptions options = tiny_options();
    options.recompute = recompute;
    TestModel ours(spec_, options);
    randomise(ours.model.parameters(), 13);
    ours.model.loss_and_gradients(tiny_batch(spec_.dims.vocab), 0.01);
    return ours.model.parameters().gradients().clone();
  };
  const at::Tensor kept = gradients_with(config::Recompute::kNone);
  EXPECT_TRUE(at::equal(kept, gradients_with(config::Recompute::kFfn)));
  EXPECT_TRUE(at::equal(kept, gradients_with(config::Recompute::kLayer)));
}

// With Strata's own GEMM the whole step is Strata's own kernels.
TEST_P(SchemeContract, ThreadsDoNotChangeTheBits) {
  const int threads = num_threads();
  const auto gradients_on = [&](int count) {
    set_num_threads(count);
    TestModel ours(spec_, tiny_options(), "tiles");
    randomise(ours.model.parameters(), 14);
    ours.model.loss_and_gradients(tiny_batch(spec_.dims.vocab), 0.01);
    return ours.model.parameters().gradients().clone();
  };
  const at::Tensor on_one = gradients_on(1);
  const at::Tensor on_two = gradients_on(2);
  set_num_threads(threads);
  EXPECT_TRUE(at::equal(on_one, on_two));
}

TEST_P(SchemeContract, FiniteInBf16AtDepth48) {
  config::ModelConfig dims = tiny_dims();
  dims.layers = 48;
  config::NormConfig norm;
  norm.scheme = GetParam();
  nn::ModelOptions options = tiny_options();
  options.precision = config::Precision::kBf16;
  TestModel ours(nn::describe(dims, norm), options);
  ours.model.parameters().initialise(15);
  const double loss = ours.model.loss_and_gradients(tiny_batch(dims.vocab), 0.01);
  EXPECT_TRUE(std::isfinite(loss));
  EXPECT_TRUE(at::isfinite(ours.model.parameters().gradients()).all().item<bool>());
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::ranges::replace(name, '+', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Registry, SchemeContract, testing::ValuesIn(norm::all_scheme_names()), test_name);
INSTANTIATE_TEST_SUITE_P(WarmUp, SchemeContract,
                         testing::Values("pre+prores", "post+gpas+prores", "sandwich+gpas+prores", "deepnorm+prores"),
                         test_name);

}  // namespace
}  // namespace strata::test
