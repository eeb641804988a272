// ProRes's alpha against its own code's, for every schedule: golden2/prores/alpha.json.
#include "strata/norm/prores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "strata/config/key_error.h"
#include "strata/io/json.h"
#include "strata/norm/make.h"
#include "strata/norm/wiring.h"
#include "support/places.h"

namespace strata::norm {
namespace {

using nlohmann::json;

config::ProResSchedule schedule_named(const std::string& name) {
  const auto names = enum_names(config::ProResSchedule{});
  const auto found = std::ranges::find(names, name);
  EXPECT_NE(found, names.end()) << name;
  return static_cast<config::ProResSchedule>(found - names.begin());
}

TEST(ProRes, AlphaIsThatOfItsOwnCode) {
  const json golden = io::read_json(test::source_folder() / "tests/golden2/prores/alpha.json");
  int compared = 0;
  for (const json& table : golden.at("tables")) {
    const auto layers = table.at("layers").get<int64_t>();
    const config::ProResConfig config{.warmup_steps = table.at("prores_warmup_steps").get<int64_t>(),
                                      .schedule = schedule_named(table.at("schedule").get<std::string>())};
    if (config.warmup_steps < layers) continue;  // divides by nought there; here it is refused
    for (const json& row : table.at("rows")) {
      for (int64_t layer = 0; layer < layers; ++layer) {
        const double alpha = prores_ramp(config, layer, layers).at(row.at("t").get<int64_t>());
        EXPECT_NEAR(alpha, row.at("alpha").at(static_cast<size_t>(layer)).get<double>(), 1e-15)
            << table.at("schedule") << " of " << config.warmup_steps << ", layer " << layer << ", t " << row.at("t");
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 2000);
}

TEST(ProRes, ScalesEveryBranchOfALayerAlike) {
  config::NormConfig config;
  config.scheme = "sandwich+prores+gpas";
  config.prores.warmup_steps = 40;
  const Wiring wiring = wire(*make_scheme(config), 4, false);
  EXPECT_TRUE(wiring.entry.rule.branch_scale.is_one());
  for (size_t branch = 0; branch < 8; ++branch) {
    const Junction& rule = wiring.after[branch].rule;
    EXPECT_EQ(rule.branch_scale.at(5), 5.0 / (10.0 * static_cast<double>(branch / 2 + 1))) << branch;
    EXPECT_EQ(rule.branch_scale.at(kEndOfRamps), 1.0);
    EXPECT_EQ(rule.branch_norm, Norm::kRms);
    EXPECT_EQ(rule.gate, Gate::kSum);
  }
}

std::string refusal_of(const std::string& scheme, int64_t warmup_steps) {
  config::NormConfig config;
  config.scheme = scheme;
  config.prores.warmup_steps = warmup_steps;
  try {
    wire(*make_scheme(config), 4, false);
  } catch (const config::KeyError& error) {
    return error.what();
  }
  return "";
}

TEST(ProRes, RefusesWhatCannotBe) {
  EXPECT_THAT(refusal_of("pre+prores", 3), testing::HasSubstr("must be at least the number of layers, 4"));
  EXPECT_EQ(refusal_of("pre+prores", 4), "");
  EXPECT_EQ(refusal_of("pre+prores", config::ProResConfig::kAutoWarmup), "");
  EXPECT_THAT(refusal_of("pre+prores+prores", 8), testing::HasSubstr("has +prores twice"));
  EXPECT_THAT(refusal_of("completep+prores", 8), testing::HasSubstr("scales its branches itself"));
}

}  // namespace
}  // namespace strata::norm
