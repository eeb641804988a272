#include "plot/sample_page.h"

#include <cmath>

namespace strata::plot {
namespace {

constexpr int kSteps = 50;
const std::vector<std::string> kNames{"pre", "gpas <b>", "post"};

Line curve(int arm, double tokens_per_step, double offset) {
  Line line{kNames[static_cast<size_t>(arm)], arm};
  for (int step = 1; step <= kSteps; ++step) {
    line.x.push_back(step * tokens_per_step);
    line.y.push_back(3.0 + offset + 5.0 * std::exp(-step / (8.0 + arm)));
  }
  return line;
}

Lines losses(const std::string& axis, double tokens_per_step) {
  Lines figure{"Loss", {axis}, {"nats", true}};
  for (int arm = 0; arm < 3; ++arm) {
    Line mean = curve(arm, tokens_per_step, 0.0);
    for (const double offset : {-0.1, 0.1}) {
      figure.lines.push_back(curve(arm, tokens_per_step, offset));
      figure.lines.back().is_single = true;
      for (const double y : mean.y) (offset < 0.0 ? mean.low : mean.high).push_back(y + offset);
    }
    figure.lines.push_back(mean);
  }
  return figure;
}

HeatMap variances() {
  HeatMap map{.title = "Variance", .x = {"steps"}, .y = {"layer"}, .label = "variance", .log = true};
  for (int step = 0; step < 10; ++step) map.xs.push_back(step * 10);
  for (int layer = 0; layer < 4; ++layer) map.ys.push_back(layer);
  for (int cell = 0; cell < 40; ++cell) map.values.push_back(std::pow(2.0, cell % 10 + cell / 10));
  return map;
}

Bars accuracies() {
  Bars bars{"Accuracy", {"accuracy"}, {"piqa", "arc"}, {}, 0.5};
  for (int arm = 0; arm < 3; ++arm) {
    bars.series.push_back({kNames[static_cast<size_t>(arm)], arm, {0.6, 0.4}, {0.58, 0.38}, {0.62, 0.42}});
  }
  return bars;
}

Intervals differences() {
  return {"Difference", {"nats"}, {{kNames[1], 1, -0.04, -0.05, -0.03}, {kNames[2], 2, 0.01, -0.01, 0.03}}, 0.0, "pre"};
}

// Its colors mean something else than the page's arms: it has a legend of its own.
Lines rates() {
  Lines figure{"Rate", {"steps"}, {"rate"}};
  figure.lines = {{"warm", 0, {1, 2, 3, 4}, {1, 2, NAN, 1}}, {"cold", 1, {1, 2, 3}, {2, 2, 2}}};
  return figure;
}

}  // namespace

Page sample_page() {
  Page page{.title = "A <script>alert('x')</script> & \"page\"", .subtitle = "for tests", .reload_seconds = 3600};
  for (int arm = 0; arm < 3; ++arm) page.arms.push_back({kNames[static_cast<size_t>(arm)], arm});
  Table table({{"arm"}, {"loss", Table::Align::kRight}});
  table.add({"pre", "3.01"});
  table.add({"</td>"});
  page.blocks = {Heading{"What came out"}, Verdict{{"gpas is better.", "post is not."}}, Paragraph{"Two\nlines."},
                 std::move(table)};
  page.blocks.push_back(Panels{{{{{"steps", losses("steps", 1)}, {"tokens", losses("tokens", 1000)}}},
                                Panel::of(variances()),
                                Panel::of(accuracies()),
                                Panel::of(differences()),
                                Panel::of(rates()),
                                Panel::of(Lines{"Nothing", {"steps"}, {"loss"}})}});
  page.blocks.push_back(Details{"config", "a: 1\nb: </pre>\n"});
  return page;
}

}  // namespace strata::plot
