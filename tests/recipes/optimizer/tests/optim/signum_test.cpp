// Signum against updates that are computed by hand.
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "strata/kernels/clip.h"
#include "strata/optim/optimizer.h"

namespace strata::optim {
namespace {

constexpr int64_t kGain = kArenaAlignment, kSize = 2 * kArenaAlignment;

// A matrix of three numbers that decays, and a gain of two that does not.
Trained two_params() {
  const ParamSpec matrix{.name = "matrix", .shape = {1, 3}, .role = ParameterRole::kLinear};
  const ParamSpec gain{.name = "gain", .shape = {2}, .offset = kGain, .role = ParameterRole::kGain};
  return {.params = {{.spec = matrix}, {.spec = gain, .value_offset = kGain, .state_offset = kGain}},
          .with_states = {matrix, gain}};
}

struct Training {
  explicit Training(const std::vector<ArenaRange>& ranges = {{0, kSize}})
      : signum(make_optimizer({.config = {.kind = config::OptimizerKind::kSignum, .beta1 = 0.5, .weight_decay = 0.5}},
                              two_params(), ranges, allocator)) {
    clip[kernels::kGlobalFactor].fill_(0.5);
    clip[kernels::kApply].fill_(1.0);
  }

  void update(const std::vector<float>& matrix, const std::vector<float>& gain) {
    gradients.narrow(0, 0, 3).copy_(at::tensor(matrix));
    gradients.narrow(0, kGain, 2).copy_(at::tensor(gain));
    signum->update({.values = values, .value_ranges = {{0, values.numel()}}, .gradients = gradients, .copy = {}}, 0,
                   0.25, clip);
  }

  Allocator allocator{at::kCPU};
  at::Tensor values = at::zeros({kSize}), gradients = at::zeros({kSize});
  at::Tensor clip = at::zeros({kernels::kClipNumbers}, at::kDouble);
  std::unique_ptr<Optimizer> signum;
};

void expect_equal(const at::Tensor& flat, int64_t begin, const std::vector<float>& expected) {
  const at::Tensor part = flat.narrow(0, begin, std::ssize(expected));
  EXPECT_TRUE(at::equal(part, at::tensor(expected))) << part;
}

TEST(Signum, UpdatesAsComputedByHand) {
  Training training;
  training.update({4.0F, -4.0F, 0.0F}, {1.0F, -2.0F});
  expect_equal(training.signum->states()[0].values, 0, {1.0F, -1.0F, 0.0F});
  expect_equal(training.values, 0, {-0.25F, 0.25F, 0.0F});
  expect_equal(training.values, kGain, {-0.25F, 0.25F});
  training.update({-4.0F, -4.0F, 4.0F}, {1.0F, -2.0F});  // m: -0.5, -1.5, 1; decay takes an eighth of a matrix
  expect_equal(training.values, 0, {0.03125F, 0.46875F, -0.25F});
  expect_equal(training.values, kGain, {-0.5F, 0.5F});
}

TEST(Signum, ChangesNothingWhereNothingIsToBeApplied) {
  Training training;
  training.clip[kernels::kApply].fill_(0.0);
  training.update({std::nanf(""), 1.0F, 1.0F}, {1.0F, 1.0F});
  expect_equal(training.values, 0, {0.0F, 0.0F, 0.0F});
  expect_equal(training.signum->states()[0].values, 0, {0.0F, 0.0F, 0.0F});
}

// ZeRO-1: who has which part of the states does not matter.
TEST(Signum, GivesTheSameBitsInPieces) {
  Training whole, low({{0, 2}}), high({{2, kSize}});
  for (Training* training : {&whole, &low, &high}) training->update({4.0F, -4.0F, 2.0F}, {1.0F, -2.0F});
  EXPECT_TRUE(at::equal(whole.values.narrow(0, 0, 2), low.values.narrow(0, 0, 2)));
  EXPECT_TRUE(at::equal(whole.values.narrow(0, 2, kSize - 2), high.values.narrow(0, 2, kSize - 2)));
}

}  // namespace
}  // namespace strata::optim
