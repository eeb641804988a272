#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace strata::plot {

// Strata draws its figures itself and as SVG, so that a page's figures and a paper's are one drawing, made without a
// browser: what libraries for the browser draw is a canvas, and Debian packages none of them.
//
// Colors are numbers of arms, 0 to kColors - 1: eight colors that people who see fewer of them can tell apart, then the
// same eight dashed. Text is plain; what means something to XML is escaped. A number that is not finite, or not
// positive on a logarithmic axis, is a gap. A figure without a number says "no data".

constexpr int kColors = 16;

struct Axis {
  std::string label = {};
  bool log = false;
  std::optional<double> low = {}, high = {};  // without them: what the data span
  bool is_count = false;                      // of things, such as layers: labels at whole numbers only
};

/// A straight line through the plot with a word at it, such as a baseline's loss or the end of warm-up.
struct Reference {
  std::string label = {};
  double at = 0.0;
  bool is_vertical = false;
};

/// y over x, equally many, x ascending. low and high: of the band around y, as many as y, or empty. A band that reaches
/// below 0 goes down to the end of a logarithmic axis.
struct Line {
  std::string label = {};
  int color = 0;
  std::vector<double> x = {}, y = {};
  std::vector<double> low = {}, high = {};
  bool is_single = false;  // one seed of an arm: thin, in no legend, hidden until a page's reader asks for it
  bool dashed = false;
};

/// Axes span lines, bands and horizontal references, but not single seeds, of which one may have diverged.
struct Lines {
  std::string title = {};
  Axis x = {}, y = {};
  std::vector<Line> lines = {};
  std::vector<Reference> references = {};
};

/// A cell for each x and y, both ascending: values has ys.size() rows of xs.size(). Cells reach half way to the next.
struct HeatMap {
  std::string title = {};
  Axis x = {}, y = {};
  std::vector<double> xs = {}, ys = {};
  std::vector<double> values = {};
  std::string label = {};  // of the values
  bool log = false;
  std::optional<double> center = {};  // colors diverge from here, equally far to both sides
};

/// A value for each group; low and high are ends of its error bar, as many, or empty.
struct BarSeries {
  std::string label = {};
  int color = 0;
  std::vector<double> values = {};
  std::vector<double> low = {}, high = {};
};

/// Bars start at 0 (on a logarithmic axis at its low end).
struct Bars {
  std::string title = {};
  Axis y = {};
  std::vector<std::string> groups = {};
  std::vector<BarSeries> series = {};
  std::optional<double> reference = {};
};

struct Interval {
  std::string label = {};
  int color = 0;
  double estimate = 0.0, low = 0.0, high = 0.0;
};

/// A forest plot: differences to a baseline with their confidence intervals, one below the other.
struct Intervals {
  std::string title = {};
  Axis x = {};
  std::vector<Interval> rows = {};
  std::optional<double> reference = {};
  std::string reference_label = {};
};

using Figure = std::variant<Lines, HeatMap, Bars, Intervals>;

/// Pixels. The height is that without title and legend; that of intervals goes by their number.
struct SvgOptions {
  double width = 420.0, height = 280.0;
  bool with_title = true;
  bool with_legend = true;  // below the plot, where there is more than one thing to tell apart
};

/// A whole SVG document in colors for white paper, on no background. Its elements have classes, by which a page gives
/// them other colors: c0 ... for the arm, and what they are ("line", "band", "single", "point", "cell", "bar",
/// "interval", "reference", "grid", "axis").
///
/// A line of more than 400 points (a single seed: 200) is thinned: of each bucket of neighbours its smallest and its
/// largest point stay, at their own x, so that a spike of one step is seen. Of more than 100 columns of a heat map,
/// means of neighbours are drawn.
/// Throws std::logic_error (where assertions are on) for lists of unequal lengths.
std::string svg(const Figure& figure, const SvgOptions& options = {});

}  // namespace strata::plot
