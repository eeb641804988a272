#include <algorithm>
#include <cmath>

#include "plot/draw.h"
#include "plot/palette.h"
#include "plot/picture.h"
#include "plot/xml.h"
#include "strata/base/check.h"

namespace strata::plot {
namespace {

constexpr double kUsed = 0.8;                              // of a group's width, by its bars
constexpr double kTurnedSine = 0.5, kTurnedCosine = 0.87;  // labels of groups that do not fit stand at 30 degrees
constexpr double kMostTurned = 90.0;
constexpr double kSmall = 10.0 / 12.0;  // values are written in this part of the labels' size

struct Slots {
  double group = 0.0, bar = 0.0;  // widths

  double left_of(size_t group_index, size_t series_index) const {
    return group * (static_cast<double>(group_index) + (1 - kUsed) / 2) + bar * static_cast<double>(series_index);
  }
};

struct BarPlace {
  double left = 0.0, width = 0.0, base = 0.0;

  double middle() const { return left + width / 2; }
};

bool has_error_bar(const BarSeries& series, size_t group) {
  return !series.low.empty() && !series.high.empty() && std::isfinite(series.low[group]) &&
         std::isfinite(series.high[group]);
}

std::string value_text(const BarSeries& series, size_t group) {
  std::string value = short_number(series.values[group]);
  if (!has_error_bar(series, group)) return value;
  return str(value, " [", short_number(series.low[group]), ", ", short_number(series.high[group]), "]");
}

std::string error_bar(const BarSeries& series, size_t group, const BarPlace& place, const Scale& y) {
  const double low = y(series.low[group]), high = y(series.high[group]);
  if (!std::isfinite(low) || !std::isfinite(high)) return "";
  const double cap = std::min(place.width / 4, 4.0);
  const auto across = [&](double at) { return str("M", pixels(place.middle() - cap), ",", pixels(at), "h", 2 * cap); };
  return str(
      "<path class=\"error\" stroke=\"#333333\" fill=\"none\"",
      attribute("d", str(across(low), across(high), "M", pixels(place.middle()), ",", pixels(low), "V", pixels(high))),
      "/>");
}

std::string bar_element(const BarSeries& series, const std::string& group_label, size_t group, const BarPlace& place,
                        const Scale& y) {
  const double end = y(series.values[group]);
  const double inset = std::min(0.5, place.width / 8);
  const std::string color = light_color(series.color);
  const std::string title = str(series.label, ", ", group_label, ": ", value_text(series, group));
  return str("<rect class=\"bar\"", attribute("x", place.left + inset), attribute("y", std::min(end, place.base)),
             attribute("width", place.width - 2 * inset), attribute("height", std::abs(end - place.base)),
             attribute("fill", color), attribute("stroke", color),
             is_dashed(series.color) ? " fill-opacity=\"0.35\"" : "", "><title>", escaped(title), "</title></rect>");
}

std::string value_label(const BarSeries& series, const std::string& label, size_t group, const BarPlace& place,
                        const Scale& y) {
  const bool is_below = series.values[group] < 0.0;
  const double end = y(series.values[group]);
  const double far = has_error_bar(series, group) ? y(is_below ? series.low[group] : series.high[group]) : end;
  return text_at(place.middle(), (std::isfinite(far) ? far : end) + (is_below ? 12 : -4), label, 2 * place.width,
                 " class=\"value\" font-size=\"10\" text-anchor=\"middle\"");
}

// Of all bars, series by series; empty where they are wider than their bars.
std::vector<std::string> value_labels(const Bars& figure, double width) {
  std::vector<double> values;
  for (const BarSeries& series : figure.series) values.insert(values.end(), series.values.begin(), series.values.end());
  std::vector<std::string> labels = labels_of(values);
  const auto fits = [&](const std::string& label) { return text_width(label) * kSmall < width; };
  if (!std::ranges::all_of(labels, fits)) labels.assign(labels.size(), "");
  return labels;
}

std::string bar_marks(const Bars& figure, const Box& box, const Scale& y) {
  const double groups = static_cast<double>(figure.groups.size()), bars = static_cast<double>(figure.series.size());
  const Slots slots{box.width / groups, box.width / groups * kUsed / bars};
  const double base = figure.y.log ? box.height : std::clamp(y(0.0), 0.0, box.height);
  const std::vector<std::string> labels = value_labels(figure, slots.bar);
  std::string elements = plot_begin(box, "bars");
  for (size_t i = 0; i < figure.series.size(); ++i) {
    const BarSeries& series = figure.series[i];
    for (size_t group = 0; group < figure.groups.size(); ++group) {
      if (!std::isfinite(y(series.values[group]))) continue;
      const std::string& label = labels[i * figure.groups.size() + group];
      const BarPlace place{slots.left_of(group, i), slots.bar, base};
      elements += str("<g", attribute("class", "mark " + color_class(series.color)), ">",
                      bar_element(series, figure.groups[group], group, place, y),
                      has_error_bar(series, group) ? error_bar(series, group, place, y) : "",
                      label.empty() ? "" : value_label(series, label, group, place, y), "</g>\n");
    }
  }
  if (figure.reference) elements += reference_element(box, y(*figure.reference), false, "");
  return elements + plot_end();
}

Range range_of_bars(const Bars& figure) {
  Range range(figure.y.log);
  for (const BarSeries& series : figure.series) {
    STRATA_ASSERT(series.values.size() == figure.groups.size() && series.low.size() == series.high.size());
    STRATA_ASSERT(series.low.empty() || series.low.size() == series.values.size());
    range.add(series.values);
    range.add(series.low);
    range.add(series.high);
  }
  if (range.is_empty()) return range;
  range.add(0.0);
  if (figure.reference) range.add(*figure.reference);
  return range;
}

double longest_group(const Bars& figure) {
  double longest = 0.0;
  for (const std::string& group : figure.groups) longest = std::max(longest, text_width(group));
  return longest;
}

std::string group_labels(const Bars& figure, const Box& box, bool turned) {
  const double width = box.width / static_cast<double>(figure.groups.size());
  std::string elements = "<g class=\"axis\">\n";
  for (size_t group = 0; group < figure.groups.size(); ++group) {
    const double x = box.left + width * (static_cast<double>(group) + 0.5), y = box.bottom() + (turned ? 12 : 16);
    const std::string turn = attribute("transform", str("rotate(-30 ", pixels(x), " ", pixels(y), ")"));
    const double room = std::min(kMostTurned, (x - 4) / kTurnedCosine);
    elements += turned ? text_at(x + 4, y, figure.groups[group], room, " text-anchor=\"end\"" + turn)
                       : text_at(x, y, figure.groups[group], width, " text-anchor=\"middle\"");
  }
  return elements + "</g>\n";
}

std::vector<LegendEntry> legend_of_bars(const Bars& figure) {
  std::vector<LegendEntry> entries;
  for (const BarSeries& series : figure.series) entries.push_back({series.label, series.color, false, true});
  return entries;
}

// Bars stand on the axis where nothing is negative; where something is, its values want room below too.
Axis with_base(const Bars& figure, const Range& range) {
  Axis axis = figure.y;
  if (!axis.low && !axis.log && range.low() >= 0.0) axis.low = 0.0;
  return axis;
}

}  // namespace

std::string draw(const Bars& figure, const SvgOptions& options) {
  const Range range = range_of_bars(figure);
  Picture picture(figure.title, options, options.height, legend_of_bars(figure));
  if (range.is_empty()) return picture.svg_without_data();
  Scale y(range, with_base(figure, range), 0.08);

  const double wide = picture.box(40, 0, 0).width / static_cast<double>(figure.groups.size());
  const bool turned = longest_group(figure) > wide;
  const double bottom = turned ? 20 + kTurnedSine * std::min(kMostTurned, longest_group(figure)) : 22.0;
  const int rows = ticks_for_height(picture.box(0, 0, bottom).height);
  const Box box = picture.box(width_of_y_axis(y.ticks(rows), figure.y.label), 0.0, bottom);
  y.set_pixels(box.height, 0.0);
  picture.add(y_axis(box, y.ticks(rows), figure.y.label));
  picture.add(x_axis(box, {}, "", false));
  picture.add(group_labels(figure, box, turned));
  picture.add(bar_marks(figure, box, y));
  return picture.svg();
}

}  // namespace strata::plot
