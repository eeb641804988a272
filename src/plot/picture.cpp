#include "plot/picture.h"

#include <algorithm>

#include "plot/palette.h"
#include "plot/xml.h"
#include "strata/base/check.h"

namespace strata::plot {
namespace {

constexpr double kSide = 8.0;
constexpr double kTitleHeight = 24.0, kTopSpace = 10.0;
constexpr double kTickSpace = 6.0, kLabelHeight = 18.0, kLegendRow = 17.0;
constexpr double kSwatch = 20.0, kLegendGap = 16.0;
constexpr const char* kFonts = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";
constexpr const char* kInk = "#333333";
constexpr const char* kMiddle = " text-anchor=\"middle\"";
constexpr const char* kEnd = " text-anchor=\"end\"";

std::string swatch_of(const LegendEntry& entry, double x, double y) {
  if (entry.filled) {
    const std::string outline = is_dashed(entry.color) ? " fill-opacity=\"0.35\"" : "";
    return str("<rect", attribute("class", "mark " + color_class(entry.color)), attribute("x", x + 4),
               attribute("y", y - 9), " width=\"10\" height=\"10\"", attribute("fill", light_color(entry.color)),
               attribute("stroke", light_color(entry.color)), outline, "/>");
  }
  return str("<path", attribute("class", "stroke " + color_class(entry.color)),
             attribute("d", str("M", pixels(x), ",", pixels(y - 4), "h", kSwatch - 5)), " fill=\"none\"",
             attribute("stroke", light_color(entry.color)), " stroke-width=\"2\"", dashes(entry.color, entry.dotted),
             "/>");
}

}  // namespace

Picture::Picture(std::string_view title, const SvgOptions& options, double height, std::vector<LegendEntry> legend)
    : title_(title),
      width_(options.width),
      height_(height),
      title_height_(options.with_title && !title.empty() ? kTitleHeight : 0.0) {
  if (!options.with_legend) return;
  for (LegendEntry& entry : legend) {
    if (std::ranges::find(legend_, entry) == legend_.end()) legend_.push_back(std::move(entry));
  }
  if (legend_.size() < 2) legend_.clear();
  lay_out_legend();
}

// From left to right in columns of one width, so that rows line up.
void Picture::lay_out_legend() {
  double widest = 0.0;
  for (const LegendEntry& entry : legend_) widest = std::max(widest, kSwatch + text_width(entry.label) + kLegendGap);
  const double room = width_ - 2 * kSide;
  const auto columns = static_cast<size_t>(std::max(room / std::min(widest, room / 2), 1.0));
  for (size_t i = 0; i < legend_.size(); ++i) {
    const double column_width = room / static_cast<double>(std::min(columns, legend_.size()));
    const size_t column = i % columns, row = i / columns + 1;
    places_.push_back({kSide + column_width * static_cast<double>(column), kLegendRow * static_cast<double>(row)});
  }
  legend_height_ = places_.empty() ? 0.0 : places_.back().y + 8.0;
}

std::string Picture::legend_elements() const {
  std::string elements;
  const double top = title_height_ + height_;
  for (size_t i = 0; i < legend_.size(); ++i) {
    const auto [x, y] = places_[i];
    const bool is_last = i + 1 == legend_.size() || places_[i + 1].y > y;
    const double room = (is_last ? width_ - kSide : places_[i + 1].x - kLegendGap / 2) - x - kSwatch;
    elements += swatch_of(legend_[i], x, top + y) + text_at(x + kSwatch, top + y, legend_[i].label, room);
  }
  return elements.empty() ? "" : "<g class=\"legend\">\n" + elements + "</g>\n";
}

Box Picture::box(double left, double right, double bottom) const {
  return {kSide + left, title_height_ + kTopSpace, width_ - 2 * kSide - left - right, height_ - kTopSpace - bottom};
}

std::string Picture::around(const std::string& elements) const {
  const std::string width = pixels(width_), height = pixels(title_height_ + height_ + legend_height_);
  std::string title;
  if (title_height_ > 0.0) {
    title = text_at(width_ / 2, 17, title_, (width_ - 2 * kSide) / 1.2,
                    str(" class=\"title\" font-size=\"14\" font-weight=\"600\"", kMiddle));
  }
  return str("<svg xmlns=\"http://www.w3.org/2000/svg\"", attribute("viewBox", str("0 0 ", width, " ", height)),
             attribute("width", width), attribute("height", height), attribute("font-family", kFonts),
             " font-size=\"12\"", attribute("fill", kInk), " role=\"img\"", attribute("aria-label", escaped(title_)),
             ">\n", title, elements, "</svg>\n");
}

std::string Picture::svg() const { return around(body_ + legend_elements()); }

std::string Picture::svg_without_data() const {
  return around(text_at(width_ / 2, title_height_ + height_ / 2, "no data", width_,
                        str(" class=\"nothing\" fill=\"#767676\"", kMiddle)));
}

double width_of_y_axis(const std::vector<Tick>& ticks, std::string_view label) {
  double widest = 0.0;
  for (const Tick& tick : ticks) widest = std::max(widest, text_width(tick.label));
  return (label.empty() ? 0.0 : kLabelHeight) + widest + kTickSpace;
}

double height_of_x_axis(std::string_view label) { return 22.0 + (label.empty() ? 0.0 : kLabelHeight); }

std::string y_axis(const Box& box, const std::vector<Tick>& ticks, std::string_view label) {
  std::string grid, labels;
  for (const Tick& tick : ticks) {
    const double y = box.top + tick.at;
    grid += str("M", pixels(box.left), ",", pixels(y), "h", pixels(box.width));
    labels += text_at(box.left - kTickSpace, y + 4, tick.label, box.left, kEnd);
  }
  if (!label.empty()) {
    const double x = kSide + 8, y = box.top + box.height / 2;
    const std::string turn = attribute("transform", str("rotate(-90 ", pixels(x), " ", pixels(y), ")"));
    labels += text_at(x, y, label, box.height + kTopSpace, kMiddle + turn);
  }
  return str("<path class=\"grid\" stroke=\"#e4e4e4\" fill=\"none\"", attribute("d", grid), "/>\n<g class=\"axis\">\n",
             labels, "</g>\n");
}

std::string x_axis(const Box& box, const std::vector<Tick>& ticks, std::string_view label, bool with_grid) {
  std::string grid, marks, labels;
  for (const Tick& tick : ticks) {
    const double x = box.left + tick.at;
    grid += str("M", pixels(x), ",", pixels(box.top), "v", pixels(box.height));
    marks += str("M", pixels(x), ",", pixels(box.bottom()), "v4");
    labels += text_at(x, box.bottom() + 16, tick.label, box.width, kMiddle);
  }
  if (!label.empty()) {
    labels += text_at(box.left + box.width / 2, box.bottom() + 16 + kLabelHeight, label, box.width, kMiddle);
  }
  std::string lines;
  if (with_grid) lines = str("<path class=\"grid\" stroke=\"#e4e4e4\" fill=\"none\"", attribute("d", grid), "/>\n");
  const std::string base = str("M", pixels(box.left), ",", pixels(box.bottom()), "h", pixels(box.width), marks);
  return str(lines, "<path class=\"base\" stroke=\"#8a8a8a\" fill=\"none\"", attribute("d", base),
             "/>\n<g class=\"axis\">\n", labels, "</g>\n");
}

std::string plot_begin(const Box& box, std::string_view kind, const std::string& attributes) {
  return str("<svg", attribute("class", "plot " + std::string(kind)), attribute("x", box.left), attribute("y", box.top),
             attribute("width", box.width), attribute("height", box.height), " overflow=\"hidden\"", attributes, ">\n");
}

std::string axis_attributes(const Scale& x, const Axis& x_axis, const Scale& y, const Axis& y_axis) {
  const auto of = [](const std::string& name, const Scale& scale, const Axis& axis) {
    return str(attribute("data-" + name, scale.ends()), attribute("data-" + name + "-label", escaped(axis.label)),
               scale.is_log() ? attribute("data-" + name + "-log", "1") : "");
  };
  return of("x", x, x_axis) + of("y", y, y_axis);
}

std::string reference_element(const Box& box, double at, bool is_vertical, std::string_view label) {
  const std::string path =
      is_vertical ? str("M", pixels(at), ",0v", pixels(box.height)) : str("M0,", pixels(at), "h", pixels(box.width));
  // Curves that fall are far from the baseline at their left end, and so are those that rise.
  const bool is_at_right = is_vertical && at > box.width / 2;
  const double x = is_vertical ? at + (is_at_right ? -4 : 4) : 4;
  const double y = is_vertical ? 10.0 : (at < 16.0 ? at + 12 : at - 4);
  const std::string anchor = is_at_right ? kEnd : "";
  return str("<path class=\"reference\" stroke=\"#767676\" fill=\"none\" stroke-dasharray=\"4 3\"",
             attribute("d", path), "/>\n",
             label.empty() ? "" : text_at(x, y, label, box.width / 2, anchor + " class=\"note\" fill=\"#666666\""));
}

int ticks_for_width(double width) { return std::max(2, static_cast<int>(width / 75)); }

int ticks_for_height(double height) { return std::max(2, static_cast<int>(height / 46)); }

}  // namespace strata::plot
