#include <algorithm>
#include <cmath>

#include "plot/draw.h"
#include "plot/palette.h"
#include "plot/picture.h"
#include "plot/thinning.h"
#include "plot/xml.h"
#include "strata/base/check.h"
#include "strata/base/text.h"

namespace strata::plot {
namespace {

constexpr size_t kMostColumns = 100;
constexpr double kColorBar = 11.0, kColorBarGap = 10.0;
constexpr int kColorSteps = 40;
constexpr double kOverlap = 0.4;  // of neighbouring cells, between which a renderer would leave white lines
constexpr size_t kFewCells = 8;   // so few have a label each

// Cells along one axis: their middles, and where each begins and the last ends, in the axis's own numbers.
struct Cells {
  std::vector<double> middles = {}, edges = {};

  size_t count() const { return middles.size(); }
};

Cells cells_of(const std::vector<double>& middles, bool log) {
  const auto place = [&](size_t i) { return log ? std::log10(middles[i]) : middles[i]; };
  const size_t count = middles.size();
  const double first_step = count > 1 ? place(1) - place(0) : 1.0;
  const double last_step = count > 1 ? place(count - 1) - place(count - 2) : 1.0;
  Cells cells{middles, {place(0) - first_step / 2}};
  for (size_t i = 1; i < count; ++i) cells.edges.push_back((place(i - 1) + place(i)) / 2);
  cells.edges.push_back(place(count - 1) + last_step / 2);
  if (log) std::ranges::transform(cells.edges, cells.edges.begin(), [](double edge) { return std::pow(10.0, edge); });
  return cells;
}

double mean_of_finite(const double* begin, const double* end) {
  double sum = 0.0;
  int count = 0;
  for (; begin != end; ++begin) {
    if (!std::isfinite(*begin)) continue;
    sum += *begin;
    ++count;
  }
  return count == 0 ? NAN : sum / count;
}

// The same map with neighbours of columns as one, where they are many.
HeatMap with_fewer_columns(const HeatMap& figure) {
  const std::vector<size_t> begins = grouped(figure.xs.size(), kMostColumns);
  HeatMap map = figure;
  map.xs.clear();
  map.values.clear();
  for (size_t group = 0; group + 1 < begins.size(); ++group) {
    map.xs.push_back(mean_of_finite(&figure.xs[begins[group]], figure.xs.data() + begins[group + 1]));
  }
  for (size_t row = 0; row < figure.ys.size(); ++row) {
    const double* const values = figure.values.data() + row * figure.xs.size();
    for (size_t group = 0; group + 1 < begins.size(); ++group) {
      map.values.push_back(mean_of_finite(values + begins[group], values + begins[group + 1]));
    }
  }
  return map;
}

// Without the columns and rows that have no place on a logarithmic axis, such as step 0.
HeatMap with_places(const HeatMap& figure) {
  const auto has_place = [](double value, bool log) { return std::isfinite(value) && (!log || value > 0.0); };
  HeatMap map = figure;
  std::erase_if(map.xs, [&](double x) { return !has_place(x, figure.x.log); });
  std::erase_if(map.ys, [&](double y) { return !has_place(y, figure.y.log); });
  map.values.clear();
  for (size_t i = 0; i < figure.values.size(); ++i) {
    const double x = figure.xs[i % figure.xs.size()], y = figure.ys[i / figure.xs.size()];
    if (has_place(x, figure.x.log) && has_place(y, figure.y.log)) map.values.push_back(figure.values[i]);
  }
  return map;
}

/// From values to colors.
class Colors {
 public:
  explicit Colors(const HeatMap& figure) : log_(figure.log), diverges_(figure.center.has_value()), range_(figure.log) {
    range_.add(figure.values);
    if (range_.is_empty() || !figure.center) return;
    const double center = place(*figure.center);
    const double half = std::max({place(range_.high()) - center, center - place(range_.low()), 1e-12});
    range_.add(number(center - half));
    range_.add(number(center + half));
  }

  bool is_empty() const { return range_.is_empty(); }

  Scale scale() const { return {range_, {}}; }

  std::string of(double value, const Scale& parts) const {
    const double part = parts(value);
    return std::isfinite(part) ? at(part) : "none";
  }

  /// part: 0 ... 1
  std::string at(double part) const { return diverges_ ? diverging_color(part) : sequential_color(part); }

 private:
  double place(double value) const { return log_ ? std::log10(value) : value; }
  double number(double place) const { return log_ ? std::pow(10.0, place) : place; }

  bool log_, diverges_;
  Range range_;
};

std::string cell_elements(const HeatMap& figure, const Cells& columns, const Cells& rows, const Scale& x,
                          const Scale& y, const Colors& colors) {
  const Scale parts = colors.scale();
  std::string elements;
  for (size_t row = 0; row < rows.count(); ++row) {
    const double top = y(rows.edges[row + 1]), height = y(rows.edges[row]) - top;
    elements += "<g class=\"row\">\n";
    for (size_t column = 0; column < columns.count(); ++column) {
      const double value = figure.values[row * columns.count() + column];
      const double left = x(columns.edges[column]);
      elements += str("<rect class=\"cell\"", attribute("x", left), attribute("y", top),
                      attribute("width", x(columns.edges[column + 1]) - left + kOverlap),
                      attribute("height", height + kOverlap), attribute("fill", colors.of(value, parts)),
                      attribute("data-v", short_number(value)), "/>\n");
    }
    elements += "</g>\n";
  }
  return elements;
}

std::string color_bar(const Box& box, const Colors& colors, const std::string& label, double width) {
  Scale scale = colors.scale();
  scale.set_pixels(box.bottom(), box.top);
  const double left = box.right() + kColorBarGap, step = box.height / kColorSteps;
  std::string elements = "<g class=\"color-bar\" shape-rendering=\"crispEdges\">\n";
  for (int i = 0; i < kColorSteps; ++i) {
    elements +=
        str("<rect", attribute("x", left), attribute("y", box.bottom() - (i + 1) * step), attribute("width", kColorBar),
            attribute("height", step + 0.3), attribute("fill", colors.at((i + 0.5) / kColorSteps)), "/>\n");
  }
  elements += "</g>\n<g class=\"axis\">\n";
  for (const Tick& tick : scale.ticks(ticks_for_height(box.height))) {
    elements += text_at(left + kColorBar + 4, tick.at + 4, tick.label, width);
  }
  if (!label.empty()) {
    const double x = left + width, y = box.top + box.height / 2;
    elements +=
        text_at(x, y, label, box.height,
                attribute("transform", str("rotate(-90 ", pixels(x), " ", pixels(y), ")")) + " text-anchor=\"middle\"");
  }
  return elements + "</g>\n";
}

// What the color bar takes to the right of its own left end.
double width_of_color_bar(const Colors& colors, const std::string& label, double height) {
  double widest = 0.0;
  for (const Tick& tick : colors.scale().ticks(ticks_for_height(height))) {
    widest = std::max(widest, text_width(tick.label));
  }
  return kColorBar + 4 + widest + (label.empty() ? 0.0 : 14.0);
}

std::vector<Tick> ticks_of(const Cells& cells, const Scale& scale, int about, bool at_cells) {
  if (!at_cells && cells.count() > kFewCells) return scale.ticks(about);
  const std::vector<size_t> begins = grouped(cells.count(), static_cast<size_t>(about));
  std::vector<double> chosen;
  for (size_t i = 0; i + 1 < begins.size(); ++i) chosen.push_back(cells.middles[begins[i]]);
  return scale.ticks_at(chosen);
}

std::string numbers(const std::vector<double>& values) {
  std::vector<std::string> parts;
  for (const double value : values) parts.push_back(significant(value, 4));
  return join(parts, " ");
}

Range range_of_cells(const Cells& cells, bool log) {
  Range range(log);
  range.add(cells.edges);
  return range;
}

}  // namespace

std::string draw(const HeatMap& figure, const SvgOptions& options) {
  STRATA_ASSERT(figure.values.size() == figure.xs.size() * figure.ys.size());
  const HeatMap map = with_fewer_columns(with_places(figure));
  const Colors colors(map);
  Picture picture(figure.title, options, options.height, {});
  if (colors.is_empty()) return picture.svg_without_data();
  const Cells columns = cells_of(map.xs, map.x.log), rows = cells_of(map.ys, map.y.log);
  Scale x(range_of_cells(columns, map.x.log), map.x), y(range_of_cells(rows, map.y.log), map.y);

  const double bottom = height_of_x_axis(map.x.label), height = picture.box(0, 0, bottom).height;
  const double bar_width = width_of_color_bar(colors, map.label, height);
  const int most_rows = 2 * ticks_for_height(height);
  const std::vector<Tick> labels = ticks_of(rows, y, most_rows, true);
  const Box box = picture.box(width_of_y_axis(labels, map.y.label), kColorBarGap + bar_width, bottom);
  x.set_pixels(0.0, box.width);
  y.set_pixels(box.height, 0.0);
  picture.add(y_axis(box, ticks_of(rows, y, most_rows, true), map.y.label));
  picture.add(x_axis(box, ticks_of(columns, x, ticks_for_width(box.width), false), map.x.label, false));
  picture.add(plot_begin(box, "cells",
                         axis_attributes(x, map.x, y, map.y) + attribute("data-xs", numbers(map.xs)) +
                             attribute("data-ys", numbers(map.ys)) + attribute("data-label", escaped(map.label)) +
                             " shape-rendering=\"crispEdges\""));
  picture.add(cell_elements(map, columns, rows, x, y, colors) + plot_end());
  picture.add(color_bar(box, colors, map.label, bar_width));
  return picture.svg();
}

}  // namespace strata::plot
