// What strata analyze and strata eval --drop-layer found, in a report.
#include <gmock/gmock.h>

#include <cmath>

#include "strata/study/report.h"
#include "support/temp_folder.h"

namespace strata::study {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class LayersOfRuns : public testing::Test {
 protected:
  LayersOfRuns() { test::write_file(folder_ / "config.yaml", "model: {layers: 2}\n"); }

  RunLog read(const std::string& analysis, const std::string& results) const {
    test::write_file(folder_ / "analysis.json", analysis);
    test::write_file(folder_ / "results.json", results);
    return read_run(folder_.path());
  }

  const test::TempFolder folder_;
};

std::vector<NamedFigure> figures_of(const RunLog& run) {
  ArmRuns arm{.name = "pre", .asked = 1};
  arm.runs.emplace(1, run);
  return figures_of(Reported{.arms = {arm}});
}

TEST_F(LayersOfRuns, AreDrawn) {
  const auto figures = figures_of(
      read(R"({"angular_distance": [[0, 0.1, 0.2], [0.1, 0, 0.3], [0.2, 0.3, 0]]})",
           R"({"average": 0.5, "without_layer": {"0": {"average": 0.3}, "1": {"tasks": {"piqa": {"acc": 0.4}}}}})"));
  ASSERT_THAT(figures, testing::SizeIs(2));
  const auto& map = std::get<plot::HeatMap>(figures[0].figure);
  EXPECT_THAT(map.xs, ElementsAre(0, 1, 2));
  EXPECT_THAT(map.values, ElementsAre(0, 0.1, 0.2, 0.1, 0, 0.3, 0.2, 0.3, 0));
  const auto& bars = std::get<plot::Bars>(figures[1].figure);
  EXPECT_THAT(bars.groups, ElementsAre("none", "0", "1"));
  ASSERT_THAT(bars.series, testing::SizeIs(1));
  EXPECT_THAT(bars.series[0].values, ElementsAre(0.5, 0.3, 0.4));
}

// Files of something else, and such as nothing of ours writes.
TEST_F(LayersOfRuns, OfDamagedFilesAreNotDrawn) {
  for (const char* text : {"", "3", "{}", R"({"angular_distance": [[0, 1]], "without_layer": 3})",
                           R"({"angular_distance": "x", "without_layer": {"a": 1}})",
                           R"({"angular_distance": [0], "without_layer": []})"}) {
    const RunLog run = read(text, text);
    EXPECT_FALSE(run.analysis.has_value()) << text;
    EXPECT_FALSE(run.layer_removal.has_value()) << text;
    EXPECT_THAT(figures_of(run), IsEmpty()) << text;
  }
  const RunLog half = read("", R"({"tasks": [], "without_layer": {"0": 3, "1": {"average": "x"}}})");
  ASSERT_TRUE(half.layer_removal.has_value());
  EXPECT_TRUE(std::isnan(half.layer_removal->whole));
  EXPECT_TRUE(std::isnan(half.layer_removal->without.at(0)));
}

}  // namespace
}  // namespace strata::study
