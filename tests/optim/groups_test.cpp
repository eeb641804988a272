#include "strata/optim/groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "strata/config/key_error.h"

namespace strata::optim {
namespace {

const ParamSpec kEmbedding{.name = "model.embed_tokens.weight", .shape = {8, 4}, .role = ParameterRole::kEmbedding};
const ParamSpec kUp{.name = "model.layers.1.mlp.up_proj.weight", .shape = {4, 4}, .role = ParameterRole::kLinear};
const ParamSpec kNorm{.name = "model.norm.weight", .shape = {4}, .role = ParameterRole::kGain};
const ParamSpec kGate{.name = "model.layers.1.gpas_block.gate", .shape = {}, .role = ParameterRole::kGate};

TEST(Groups, WithoutThemAllAreAlike) {
  const config::OptimizerConfig config{.beta1 = 0.8, .beta2 = 0.9, .eps = 1e-6, .weight_decay = 0.1};
  const Settings settings{.beta1 = 0.8, .beta2 = 0.9, .eps = 1e-6, .weight_decay = 0.1};
  EXPECT_EQ(settings_of(config, kUp), settings);
  EXPECT_EQ(settings_of(config, kEmbedding), settings);
  EXPECT_EQ(settings_of(config, kNorm).weight_decay, 0.0);
  EXPECT_EQ(settings_of(config, kGate).weight_decay, 0.0);
}

TEST(Groups, ANameSaysMoreThanAKindAndALongerOneMoreThanAShorter) {
  config::OptimizerConfig config{.weight_decay = 0.1};
  config.groups.lr_factor = {{"matrices", 2.0}, {"*.mlp.*", 3.0}, {"model.layers.1.*", 5.0}, {"gates", 7.0}};
  config.groups.weight_decay = {{"embedding", 0.0}, {"model.norm.weight", 0.3}, {"gains", 0.2}};
  EXPECT_EQ(settings_of(config, kUp).rate_factor, 5.0);
  EXPECT_EQ(settings_of(config, kGate).rate_factor, 5.0);  // it is in layer 1
  EXPECT_EQ(settings_of(config, kEmbedding).rate_factor, 1.0);
  EXPECT_EQ(settings_of(config, kEmbedding).weight_decay, 0.0);
  EXPECT_EQ(settings_of(config, kNorm).weight_decay, 0.3);
  EXPECT_EQ(settings_of(config, kUp).weight_decay, 0.1);
}

std::string refusal_of(const config::GroupsConfig& groups, config::OptimizerKind kind = config::OptimizerKind::kAdam) {
  config::OptimizerConfig config{.kind = kind};
  config.groups = groups;
  try {
    check_groups(config, {kEmbedding, kUp, kNorm});
  } catch (const config::KeyError& error) {
    return error.what();
  }
  return "";
}

TEST(Groups, WhatNoParameterIsInIsRefused) {
  EXPECT_EQ(refusal_of({.lr_factor = {{"gates", 1.0}, {"*up_proj*", 1.0}}}), "");
  EXPECT_THAT(refusal_of({.lr_factor = {{"embeddings", 1.0}}}),
              testing::HasSubstr("neither a kind of parameter (embedding, head, matrices, gains, gates)"));
  EXPECT_THAT(refusal_of({.eps = {{"*.attention.*", 1.0}}}), testing::HasSubstr("nor the name of one"));
  EXPECT_THAT(refusal_of({.weight_decay = {{"gains", -1.0}}}), testing::HasSubstr("must be at least 0"));
  EXPECT_THAT(refusal_of({.beta2 = {{"gains", 1.0}}}), testing::HasSubstr("and less than 1"));
}

// A number that nothing would read.
TEST(Groups, OfMuonsMatricesHaveNoBetas) {
  constexpr auto kMuon = config::OptimizerKind::kMuon;
  EXPECT_THAT(refusal_of({.beta1 = {{"matrices", 0.8}}}, kMuon),
              testing::HasSubstr("optimizer.kind=muon moves these without betas and eps"));
  EXPECT_THAT(refusal_of({.eps = {{"*up_proj*", 1e-6}}}, kMuon), testing::HasSubstr("lr_factor and weight_decay"));
  EXPECT_EQ(refusal_of({.lr_factor = {{"matrices", 2.0}}, .beta1 = {{"gains", 0.8}, {"*", 0.9}}}, kMuon), "");
  EXPECT_EQ(refusal_of({.beta1 = {{"matrices", 0.8}}}), "");
}

}  // namespace
}  // namespace strata::optim
