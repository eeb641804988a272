#include <algorithm>
#include <cmath>

#include "plot/draw.h"
#include "plot/palette.h"
#include "plot/picture.h"
#include "plot/xml.h"
#include "strata/base/check.h"

namespace strata::plot {
namespace {

constexpr double kLeastRow = 20.0, kMostRow = 40.0;
constexpr double kMostLabel = 130.0;   // pixels of names at the left
constexpr double kNumberSpace = 52.0;  // for estimates at the right

std::vector<std::string> signed_labels(const std::vector<double>& values) {
  std::vector<std::string> labels = labels_of(values);
  for (size_t i = 0; i < values.size(); ++i) labels[i] = (values[i] > 0.0 ? "+" : "") + labels[i];
  return labels;
}

std::string interval_text(const Interval& row) {
  const std::vector<std::string> labels = signed_labels({row.estimate, row.low, row.high});
  return str(row.label, ": ", labels[0], " [", labels[1], ", ", labels[2], "]");
}

// The interval as a line with ends, the estimate as a point.
std::string interval_element(const Interval& row, double y, const Scale& x) {
  const double low = x(row.low), high = x(row.high), at = x(row.estimate);
  std::string elements = str("<g", attribute("class", "interval mark " + color_class(row.color)), "><title>",
                             escaped(interval_text(row)), "</title>");
  const std::string color = light_color(row.color);
  if (std::isfinite(low) && std::isfinite(high)) {
    const auto end = [&](double place) { return str("M", pixels(place), ",", pixels(y - 4), "v8"); };
    elements +=
        str("<path", attribute("stroke", color), " stroke-width=\"1.8\" fill=\"none\"", dashes(row.color, false),
            attribute("d", str("M", pixels(low), ",", pixels(y), "H", pixels(high), end(low), end(high))), "/>");
  }
  if (std::isfinite(at)) {
    elements += str("<circle", attribute("cx", at), attribute("cy", y), " r=\"3.6\"", attribute("fill", color),
                    attribute("stroke", color), "/>");
  }
  return elements + "</g>\n";
}

Range range_of_intervals(const Intervals& figure) {
  Range range(figure.x.log);
  for (const Interval& row : figure.rows) {
    range.add(row.estimate);
    range.add(row.low);
    range.add(row.high);
  }
  if (!range.is_empty() && figure.reference) range.add(*figure.reference);
  return range;
}

double widest_label(const Intervals& figure) {
  double widest = 0.0;
  for (const Interval& row : figure.rows) widest = std::max(widest, text_width(row.label));
  return std::min(widest, kMostLabel);
}

double middle_of_row(const Intervals& figure, const Box& box, size_t row) {
  return box.height * (static_cast<double>(row) + 0.5) / static_cast<double>(figure.rows.size());
}

std::string row_labels(const Intervals& figure, const Box& box) {
  std::vector<double> estimates;
  for (const Interval& row : figure.rows) estimates.push_back(row.estimate);
  const std::vector<std::string> numbers = signed_labels(estimates);
  std::string elements = "<g class=\"axis\">\n";
  for (size_t i = 0; i < figure.rows.size(); ++i) {
    const Interval& row = figure.rows[i];
    const double y = box.top + middle_of_row(figure, box, i) + 4;
    elements +=
        str("<g", attribute("class", color_class(row.color)), ">",
            text_at(box.left - 8, y, row.label, kMostLabel, " text-anchor=\"end\""),
            text_at(box.right() + kNumberSpace, y, numbers[i], kNumberSpace, " class=\"value\" text-anchor=\"end\""),
            "</g>\n");
  }
  return elements + "</g>\n";
}

}  // namespace

std::string draw(const Intervals& figure, const SvgOptions& options) {
  const Range range = range_of_intervals(figure);
  const double bottom = height_of_x_axis(figure.x.label), above = figure.reference_label.empty() ? 0.0 : 14.0;
  const double rows = static_cast<double>(figure.rows.size()), around = bottom + above + 20;
  const double row_height = std::clamp((options.height - around) / std::max(rows, 1.0), kLeastRow, kMostRow);
  Picture picture(figure.title, options, range.is_empty() ? options.height : around + rows * row_height, {});
  if (range.is_empty()) return picture.svg_without_data();
  Scale x(range, figure.x, 0.05);

  Box box = picture.box(widest_label(figure) + 8, kNumberSpace, bottom);
  x.set_pixels(0.0, box.width);
  box.top += above, box.height -= above;
  picture.add(x_axis(box, x.ticks(ticks_for_width(box.width)), figure.x.label, true));
  picture.add(row_labels(figure, box));
  const double reference = figure.reference ? x(*figure.reference) : NAN;
  if (std::isfinite(reference) && above > 0.0) {
    picture.add(text_at(box.left + reference, box.top - 5, figure.reference_label, box.width,
                        " class=\"note\" fill=\"#666666\" text-anchor=\"middle\""));
  }
  picture.add(plot_begin(box, "intervals"));
  if (std::isfinite(reference)) picture.add(reference_element(box, reference, true, ""));
  for (size_t i = 0; i < figure.rows.size(); ++i) {
    picture.add(interval_element(figure.rows[i], middle_of_row(figure, box, i), x));
  }
  picture.add(plot_end());
  return picture.svg();
}

}  // namespace strata::plot
