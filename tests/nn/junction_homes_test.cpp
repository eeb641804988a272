// Which buffers of a junction share memory: the table of nn/decoder_buffers.h, case by case.
#include "nn/decoder_buffers.h"

#include <gtest/gtest.h>

namespace strata::nn {
namespace {

using norm::Norm;
using norm::WiredJunction;

WiredJunction of(const norm::Junction& rule) {
  WiredJunction junction;
  junction.rule = rule;
  return junction;
}

const WiredJunction kPre = of({.next_norm = Norm::kRms});
const WiredJunction kPost = of({.out_norm = Norm::kRms});

TEST(JunctionHomes, OfPreLnShareSumAndStream) {
  const JunctionHomes expected{.sum = Home::kJunction,
                               .stream = Home::kSum,
                               .normed = Home::kJunction,
                               .branch = Home::kModel,
                               .statistics = Home::kJunction};
  EXPECT_EQ(homes_of(kPre, &kPre, true, {}), expected);
  EXPECT_EQ(homes_of(kPre, nullptr, true, {}), expected);
}

TEST(JunctionHomes, OfPostLnReadTheStreamAsItIs) {
  const JunctionHomes homes = homes_of(kPost, &kPost, false, {});
  EXPECT_EQ(homes.sum, Home::kJunction);
  EXPECT_EQ(homes.stream, Home::kJunction);
  EXPECT_EQ(homes.normed, Home::kStream);
}

TEST(JunctionHomes, KeepTheStreamApartWhereTheGateChangesTheSum) {
  const WiredJunction gated = of({.next_norm = Norm::kRms, .gate = Gate::kSum});
  const WiredJunction on_skip = of({.next_norm = Norm::kRms, .gate = Gate::kSkip});
  EXPECT_EQ(homes_of(gated, &gated, true, {}).stream, Home::kModel);  // the next junction's backward reads no x
  EXPECT_EQ(homes_of(gated, &on_skip, true, {}).stream, Home::kJunction);
  EXPECT_EQ(homes_of(on_skip, &on_skip, true, {}).stream, Home::kSum);
}

TEST(JunctionHomes, KeepTheBranchForNormsGatesAndFunctionsOnIt) {
  EXPECT_EQ(homes_of(of({.branch_norm = Norm::kRms}), &kPre, true, {}).branch, Home::kJunction);
  EXPECT_EQ(homes_of(of({.gate = Gate::kBranch}), &kPre, true, {}).branch, Home::kJunction);
  WiredJunction custom;
  custom.custom.emplace();
  EXPECT_EQ(homes_of(custom, &kPre, true, {}).branch, Home::kJunction);
  EXPECT_EQ(homes_of(custom, &kPre, true, {}).normed, Home::kJunction);
  EXPECT_EQ(homes_of(kPre, &custom, true, {}).stream, Home::kSum);
  EXPECT_EQ(homes_of(of({.next_norm = Norm::kRms, .gate = Gate::kSum}), &custom, true, {}).stream, Home::kJunction);
}

TEST(JunctionHomes, AScaleOrAGateMakesNAnotherValueThanTheStream) {
  EXPECT_EQ(homes_of(of({}), &kPre, true, {}).normed, Home::kStream);
  EXPECT_EQ(homes_of(of({.next_scale = 0.5}), &kPre, true, {}).normed, Home::kJunction);
  EXPECT_EQ(homes_of(of({.gate = Gate::kNorm}), &kPre, true, {}).normed, Home::kJunction);
}

TEST(JunctionHomes, OfRecomputedLayersKeepWhatEntersALayerAlone) {
  const Recomputation within{.layer = true, .inputs = true};
  const JunctionHomes inside = homes_of(kPre, &kPre, false, within);
  EXPECT_EQ(inside, (JunctionHomes{.sum = Home::kLayers,
                                   .stream = Home::kSum,
                                   .normed = Home::kLayers,
                                   .branch = Home::kModel,
                                   .statistics = Home::kLayers}));
  const JunctionHomes between = homes_of(kPre, &kPre, true, within);
  EXPECT_EQ(between, (JunctionHomes{.sum = Home::kLayers,  // lost, so the stream cannot lie in it
                                    .stream = Home::kJunction,
                                    .normed = Home::kJunction,
                                    .branch = Home::kModel,
                                    .statistics = Home::kLayers}));
  const JunctionHomes entry = homes_of(kPre, &kPre, true, {.layer = false, .inputs = true});
  EXPECT_EQ(entry.stream, Home::kSum);
  EXPECT_EQ(entry.normed, Home::kJunction);
}

}  // namespace
}  // namespace strata::nn
