#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plot/scale.h"
#include "strata/plot/figure.h"

namespace strata::plot {

/// The rectangle of a plot within its picture.
struct Box {
  double left = 0.0, top = 0.0, width = 0.0, height = 0.0;

  double right() const { return left + width; }
  double bottom() const { return top + height; }
};

struct LegendEntry {
  std::string label = {};
  int color = 0;
  bool dotted = false;
  bool filled = false;  // a square rather than a piece of line

  bool operator==(const LegendEntry&) const = default;
};

/// A document with its title above and its legend below; what lies between is added as elements.
class Picture {
 public:
  /// height: without title and legend.
  Picture(std::string_view title, const SvgOptions& options, double height, std::vector<LegendEntry> legend);

  /// What is left of the picture for a plot that leaves so much free at its sides.
  Box box(double left, double right, double bottom) const;

  void add(std::string_view elements) { body_ += elements; }

  /// The finished document.
  std::string svg() const;
  /// The document with nothing but the words in its middle.
  std::string svg_without_data() const;

 private:
  void lay_out_legend();
  std::string legend_elements() const;
  std::string around(const std::string& elements) const;

  struct Place {
    double x = 0.0, y = 0.0;
  };

  std::string title_;
  double width_, height_, title_height_;
  std::vector<LegendEntry> legend_;
  std::vector<Place> places_;  // of the legend's entries, from its top left
  double legend_height_ = 0.0;
  std::string body_;
};

/// How much an axis with such labels takes beside the plot, and below it.
double width_of_y_axis(const std::vector<Tick>& ticks, std::string_view label);
double height_of_x_axis(std::string_view label);

/// Grid lines, labels of ticks and the axis's own label. Ticks are in pixels from the box's left and top.
std::string y_axis(const Box& box, const std::vector<Tick>& ticks, std::string_view label);
std::string x_axis(const Box& box, const std::vector<Tick>& ticks, std::string_view label, bool with_grid);

/// The part of the picture that cuts off what lies beyond the box; coordinates inside start at its top left.
std::string plot_begin(const Box& box, std::string_view kind, const std::string& attributes = "");
inline std::string plot_end() { return "</svg>\n"; }

/// Scales, logarithms and labels of axes, for the script that shows numbers under the pointer.
std::string axis_attributes(const Scale& x, const Axis& x_axis, const Scale& y, const Axis& y_axis);

/// A dashed gray line with its label, in a box that starts at 0; `at` is in pixels.
std::string reference_element(const Box& box, double at, bool is_vertical, std::string_view label);

/// How many labels an axis so long has room for.
int ticks_for_width(double width);
int ticks_for_height(double height);

}  // namespace strata::plot
