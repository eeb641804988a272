#include "strata/plot/figure.h"

#include <cmath>
#include <set>

#include "plot/palette.h"
#include "plot/xml_check.h"

namespace strata::plot {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Line line_of(std::vector<double> y) {
  Line line{"arm"};
  for (size_t i = 0; i < y.size(); ++i) line.x.push_back(static_cast<double>(i));
  line.y = std::move(y);
  return line;
}

std::string drawn(const Line& line) { return svg(Lines{.lines = {line}}); }

// The d of the first element of a class.
std::string path_of(const std::string& svg, const std::string& name) {
  const size_t element = svg.find("<path class=\"" + name);
  if (element == std::string::npos) return "";
  const size_t begin = svg.find(" d=\"", element) + 4;
  return svg.substr(begin, svg.find('"', begin) - begin);
}

TEST(Figure, IsADocumentOfItsOwn) {
  const std::string text = svg(Lines{.title = "Loss", .lines = {line_of({3, 2, 1})}});
  EXPECT_THAT(text, testing::StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 420 304\""));
  EXPECT_THAT(text, HasSubstr(">Loss</text>"));
  EXPECT_EQ(badly_nested(text), "");
}

TEST(Figure, ALineHasAPathAndABand) {
  Line line = line_of(std::vector<double>(20, 2.0));
  line.low.assign(20, 1.0);
  line.high.assign(20, 3.0);
  const std::string text = drawn(line);
  EXPECT_EQ(count(text, "class=\"line c0\""), 1);
  EXPECT_EQ(count(text, "class=\"band c0\""), 1);
  EXPECT_EQ(count(path_of(text, "line c0"), ","), 20);
  EXPECT_EQ(count(path_of(text, "band c0"), ","), 40);
  EXPECT_EQ(count(text, "<circle"), 0);
}

TEST(Figure, FewPointsAreMarked) { EXPECT_EQ(count(drawn(line_of({3, 2, 1})), "class=\"point c0\""), 3); }

// A line that went on through a missing number would claim one.
TEST(Figure, WhatIsNotFiniteIsAGap) {
  std::vector<double> y(20, 1.0);
  y[5] = NAN;
  y[10] = kInfinity;
  y[12] = -kInfinity;
  const std::string text = drawn(line_of(y));
  EXPECT_EQ(count(path_of(text, "line c0"), "M"), 4);
  EXPECT_EQ(count(text, "<circle"), 1);  // 11, alone between two gaps
  EXPECT_THAT(text, Not(HasSubstr("nan")));
  EXPECT_THAT(text, Not(HasSubstr("inf")));
}

TEST(Figure, WhatIsNotPositiveIsAGapOnALogarithmicAxis) {
  Lines figure{.y = {.log = true}, .lines = {line_of({4, 3, 0, -1, 2, 1})}};
  EXPECT_EQ(count(path_of(svg(figure), "line c0"), "M"), 2);
  figure.x.log = true;  // the first x is 0
  EXPECT_EQ(count(path_of(svg(figure), "line c0"), ","), 3);
}

// The mean less a deviation may be below 0, where the mean is not.
TEST(Figure, ABandBelowZeroGoesOnDownwards) {
  Line line = line_of({2, 2, 2});
  line.low = {1, -1, 1};
  line.high = {3, 3, 3};
  EXPECT_EQ(count(path_of(svg(Lines{.y = {.log = true}, .lines = {line}}), "band c0"), "M"), 1);
  line.low[1] = NAN;
  EXPECT_EQ(count(path_of(drawn(line), "band c0"), "M"), 2);
}

TEST(Figure, LongLinesAreThinned) {
  const std::string text = drawn(line_of(std::vector<double>(100'000, 1.0)));
  EXPECT_LE(count(path_of(text, "line c0"), ","), 402);
  EXPECT_LT(text.size(), 10'000);
}

// A seed that diverged would press the arms into one line.
TEST(Figure, SingleSeedsAreHiddenAndDoNotWidenAxes) {
  Line single = line_of({3, 2, 1000});
  single.is_single = true;
  const std::string with = svg(Lines{.lines = {single, line_of({3, 2, 1})}}), without = drawn(line_of({3, 2, 1}));
  EXPECT_EQ(path_of(with, "line c0"), path_of(without, "line c0"));
  EXPECT_EQ(count(with, "class=\"single c0\""), 1);
  EXPECT_EQ(count(with, "display=\"none\""), 1);
}

TEST(Figure, WithoutNumbersItSaysSo) {
  Line nothing = line_of({NAN, NAN});
  HeatMap map{.xs = {1}, .ys = {1}, .values = {NAN}};
  for (const Figure& figure : std::vector<Figure>{Lines{}, Lines{.lines = {nothing}}, HeatMap{}, map, Bars{},
                                                  Bars{.groups = {"a"}, .series = {{"b", 0, {NAN}}}}, Intervals{}}) {
    EXPECT_THAT(svg(figure), HasSubstr(">no data</text>"));
    EXPECT_EQ(badly_nested(svg(figure)), "");
  }
}

TEST(Figure, OneNumberIsDrawn) {
  EXPECT_EQ(count(drawn(line_of({0})), "<circle"), 1);
  EXPECT_EQ(count(svg(HeatMap{.xs = {1}, .ys = {0}, .values = {5}}), "class=\"cell\""), 1);
  EXPECT_EQ(count(svg(Bars{.groups = {"a"}, .series = {{"b", 0, {0}}}}), "class=\"bar\""), 1);
  EXPECT_EQ(count(svg(Intervals{.rows = {{"a", 0, 1, 1, 1}}}), "<circle"), 1);
}

TEST(Figure, HeatMapsHaveACellForEachNumber) {
  HeatMap map{.xs = {0, 1, 2}, .ys = {0, 1}, .values = {1, 2, 3, 4, NAN, 6}};
  EXPECT_EQ(count(svg(map), "class=\"cell\""), 6);
  EXPECT_EQ(count(svg(map), "fill=\"none\" data-v=\"nan\""), 1);
  map.x.log = true;  // a column at step 0 has no place
  EXPECT_EQ(count(svg(map), "class=\"cell\""), 4);
  HeatMap wide{.ys = {0}};
  for (int i = 0; i < 1000; ++i) wide.xs.push_back(i), wide.values.push_back(i);
  EXPECT_EQ(count(svg(wide), "class=\"cell\""), 100);
}

TEST(Figure, DivergingColorsAreWhiteInTheMiddle) {
  const std::string text = svg(HeatMap{.xs = {0, 1, 2}, .ys = {0}, .values = {0.5, 1.0, 1.25}, .center = 1.0});
  EXPECT_EQ(count(text, "fill=\"#2166ac\" data-v=\"0.5000\""), 1);
  EXPECT_EQ(count(text, "fill=\"#f7f7f7\" data-v=\"1.000\""), 1);
  EXPECT_EQ(count(text, "fill=\"#f4a582\" data-v=\"1.250\""), 1);  // half way to red: as far as 0.75 is to blue
}

TEST(Figure, BarsHaveErrorBarsAndGaps) {
  const std::string text =
      svg(Bars{.groups = {"a", "b"}, .series = {{"x", 0, {1, 2}, {0, NAN}, {2, 3}}, {"y", 1, {-1, NAN}}}});
  EXPECT_EQ(count(text, "class=\"bar\""), 3);
  EXPECT_EQ(count(text, "class=\"error\""), 1);
  EXPECT_EQ(badly_nested(text), "");
}

TEST(Figure, IntervalsHaveARowEach) {
  Intervals figure{.reference = 0.0, .reference_label = "base"};
  for (int i = 0; i < 30; ++i) figure.rows.push_back({"arm", i, 0.01 * i, 0.01 * i - 0.1, 0.01 * i + 0.1});
  figure.rows.push_back({"one seed", 3, 0.1, NAN, NAN});
  const std::string text = svg(figure);
  EXPECT_EQ(count(text, "class=\"interval"), 31);
  EXPECT_EQ(count(text, "<circle"), 31);
  EXPECT_EQ(count(text, "class=\"reference\""), 1);
  EXPECT_THAT(text, HasSubstr(">+0.290</text>"));
  EXPECT_EQ(badly_nested(text), "");
}

// 16 arms: no two look alike, and all are in the legend.
TEST(Figure, SixteenArmsDiffer) {
  Lines figure;
  std::set<std::string> light, dark;
  for (int arm = 0; arm < kColors; ++arm) {
    figure.lines.push_back(line_of({1.0 + arm, 2.0 + arm}));
    figure.lines.back().label = "arm " + std::to_string(arm);
    figure.lines.back().color = arm;
    light.insert(light_color(arm) + dashes(arm, false));
    dark.insert(dark_color(arm) + dashes(arm, false));
  }
  EXPECT_EQ(light.size(), kColors);
  EXPECT_EQ(dark.size(), kColors);
  EXPECT_EQ(count(svg(figure), "class=\"stroke c"), kColors);
  EXPECT_EQ(count(svg(figure, {.with_legend = false}), "class=\"stroke c"), 0);
  EXPECT_EQ(color_class(16), "c0");
  EXPECT_EQ(color_class(-1), "c15");
}

TEST(Figure, TextOfUsersIsEscaped) {
  const std::string evil = "</title><script>alert(\"1\")</script>'&";
  Lines lines{evil, {evil}, {evil}, {line_of({1, 2}), line_of({2, 3})}, {{evil, 1.5}, {evil, 0.5, true}}};
  lines.lines[0].label = evil;
  const HeatMap map{evil, {evil}, {evil}, {1, 2}, {1}, {1, 2}, evil};
  const Bars bars{evil, {evil}, {evil}, {{evil, 0, {1}}, {"b", 1, {2}}}};
  const Intervals intervals{evil, {evil}, {{evil, 0, 1, 0, 2}}, 0.0, evil};
  for (const Figure& figure : std::vector<Figure>{lines, map, bars, intervals}) {
    EXPECT_THAT(svg(figure), Not(HasSubstr("<script")));
    EXPECT_EQ(badly_nested(svg(figure)), "");
  }
}

}  // namespace
}  // namespace strata::plot
