#include <algorithm>
#include <cmath>
#include <ranges>
#include <span>

#include "plot/draw.h"
#include "plot/palette.h"
#include "plot/picture.h"
#include "plot/thinning.h"
#include "plot/xml.h"
#include "strata/base/check.h"

namespace strata::plot {
namespace {

constexpr size_t kMostPoints = 400, kMostPointsOfSingle = 200;
constexpr size_t kFewPoints = 12;  // so few are marked

struct Point {
  double x = 0.0, y = 0.0, low = 0.0, high = 0.0;  // pixels in the plot
};

// Runs of points between gaps.
using Segments = std::vector<std::vector<Point>>;

std::vector<double> placed(const std::vector<double>& values, const Scale& scale) {
  std::vector<double> places;
  places.reserve(values.size());
  for (const double value : values) places.push_back(scale(value));
  return places;
}

Segments segments_of(const Line& line, const Scale& x, const Scale& y) {
  STRATA_ASSERT(line.x.size() == line.y.size() && line.low.size() == line.high.size());
  STRATA_ASSERT(line.low.empty() || line.low.size() == line.y.size());
  const std::vector<double> xs = placed(line.x, x), high = placed(line.high, y);
  std::vector<double> ys = placed(line.y, y), low = placed(line.low, y);
  for (size_t i = 0; i < low.size(); ++i) {
    if (y.is_log() && line.low[i] <= 0.0) low[i] = y.start();  // a mean less a deviation: the band goes on downwards
  }
  for (size_t i = 0; i < ys.size(); ++i) {
    if (!std::isfinite(xs[i])) ys[i] = xs[i];
  }
  Segments segments(1);
  for (const size_t i : thinned(ys, line.is_single ? kMostPointsOfSingle : kMostPoints)) {
    if (std::isfinite(ys[i])) {
      segments.back().push_back({xs[i], ys[i], low.empty() ? NAN : low[i], high.empty() ? NAN : high[i]});
    } else if (!segments.back().empty()) {
      segments.emplace_back();
    }
  }
  if (segments.back().empty()) segments.pop_back();
  return segments;
}

// Pages read numbers from lines: the third digit makes four of a loss's right.
constexpr int kDigitsOfLine = 3;

std::string pair(double x, double y, int digits = 2) { return pixels(x) + "," + pixels(y, digits) + " "; }

std::string path_through(const Segments& segments) {
  std::string path;
  for (const auto& segment : segments) {
    path += "M";
    for (const Point& point : segment) path += pair(point.x, point.y, kDigitsOfLine);
    path.pop_back();
  }
  return path;
}

// Along the upper edge and back along the lower one.
std::string path_around(std::span<const Point> points) {
  std::string path = "M";
  for (const Point& point : points) path += pair(point.x, point.high);
  for (const Point& point : std::views::reverse(points)) path += pair(point.x, point.low);
  return path + "Z";
}

// For each run of points that have both ends.
std::string path_around_bands(const Segments& segments) {
  const auto has_band = [](const Point& point) { return std::isfinite(point.low) && std::isfinite(point.high); };
  std::string path;
  for (const auto& segment : segments) {
    auto end = segment.begin();
    while (end != segment.end()) {
      const auto begin = std::find_if(end, segment.end(), has_band);
      end = std::find_if_not(begin, segment.end(), has_band);
      if (begin != end) path += path_around({begin, end});
    }
  }
  return path;
}

std::string band_element(const Line& line, const Segments& segments) {
  const std::string path = path_around_bands(segments);
  if (path.empty()) return "";
  return str("<path", attribute("class", "band " + color_class(line.color)), attribute("fill", light_color(line.color)),
             " fill-opacity=\"0.16\"", attribute("d", path), "/>\n");
}

std::string line_element(const Line& line, const Segments& segments) {
  const std::string looks = line.is_single ? " stroke-width=\"0.8\" stroke-opacity=\"0.6\" display=\"none\""
                                           : " stroke-width=\"1.6\"" + dashes(line.color, line.dashed);
  return str("<path", attribute("class", (line.is_single ? "single " : "line ") + color_class(line.color)),
             attribute("stroke", light_color(line.color)), " fill=\"none\" stroke-linejoin=\"round\"", looks,
             attribute("data-label", escaped(line.label)), attribute("d", path_through(segments)), "/>\n");
}

// Points that no line would show, and all where they are few.
std::string point_elements(const Line& line, const Segments& segments) {
  if (line.is_single) return "";
  size_t points = 0;
  for (const auto& segment : segments) points += segment.size();
  std::string elements;
  for (const auto& segment : segments) {
    if (segment.size() > 1 && points > kFewPoints) continue;
    for (const Point& point : segment) {
      elements += str("<circle", attribute("class", "point " + color_class(line.color)), attribute("cx", point.x),
                      attribute("cy", point.y), " r=\"2.4\"", attribute("fill", light_color(line.color)), "/>\n");
    }
  }
  return elements;
}

bool has_few_points(const Lines& figure) {
  return std::ranges::any_of(figure.lines, [](const Line& line) { return line.x.size() <= kFewPoints; });
}

Range range_of_x(const Lines& figure) {
  Range range(figure.x.log);
  for (const Line& line : figure.lines) {
    for (size_t i = 0; i < std::min(line.x.size(), line.y.size()); ++i) {
      if (std::isfinite(line.y[i])) range.add(line.x[i]);
    }
  }
  return range;
}

Range range_of_y(const Lines& figure) {
  Range range(figure.y.log);
  for (const Line& line : figure.lines) {
    if (line.is_single) continue;
    range.add(line.y);
    range.add(line.low);
    range.add(line.high);
  }
  if (range.is_empty()) return range;
  for (const Reference& reference : figure.references) {
    if (!reference.is_vertical) range.add(reference.at);
  }
  return range;
}

std::string marks(const Lines& figure, const Box& box, const Scale& x, const Scale& y) {
  std::string bands, singles, lines, points, references;
  for (const Line& line : figure.lines) {
    const Segments segments = segments_of(line, x, y);
    if (segments.empty()) continue;
    bands += band_element(line, segments);
    (line.is_single ? singles : lines) += line_element(line, segments);
    points += point_elements(line, segments);
  }
  for (const Reference& reference : figure.references) {
    const double at = reference.is_vertical ? x(reference.at) : y(reference.at);
    if (std::isfinite(at)) references += reference_element(box, at, reference.is_vertical, reference.label);
  }
  return plot_begin(box, "lines", axis_attributes(x, figure.x, y, figure.y)) + bands + references + singles + lines +
         points + plot_end();
}

std::vector<LegendEntry> legend_of(const Lines& figure) {
  std::vector<LegendEntry> entries;
  for (const Line& line : figure.lines) {
    if (!line.is_single) entries.push_back({line.label, line.color, line.dashed});
  }
  return entries;
}

}  // namespace

std::string draw(const Lines& figure, const SvgOptions& options) {
  const Range range_x = range_of_x(figure), range_y = range_of_y(figure);
  Picture picture(figure.title, options, options.height, legend_of(figure));
  if (range_x.is_empty() || range_y.is_empty()) return picture.svg_without_data();
  Scale x(range_x, figure.x, has_few_points(figure) ? 0.03 : 0.0), y(range_y, figure.y, 0.04);

  const double bottom = height_of_x_axis(figure.x.label);
  const int rows = ticks_for_height(picture.box(0, 0, bottom).height);
  const Box box = picture.box(width_of_y_axis(y.ticks(rows), figure.y.label), 6.0, bottom);
  x.set_pixels(0.0, box.width);
  y.set_pixels(box.height, 0.0);
  picture.add(y_axis(box, y.ticks(rows), figure.y.label));
  picture.add(x_axis(box, x.ticks(ticks_for_width(box.width)), figure.x.label, true));
  picture.add(marks(figure, box, x, y));
  return picture.svg();
}

}  // namespace strata::plot
