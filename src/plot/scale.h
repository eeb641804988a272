#pragma once

#include <limits>
#include <string>
#include <vector>

#include "strata/plot/figure.h"

namespace strata::plot {

/// What numbers span. Those that are not finite, and on a logarithmic axis those that are not positive, do not count.
class Range {
 public:
  explicit Range(bool log) : log_(log) {}

  void add(double value);
  void add(const std::vector<double>& values);

  bool is_empty() const { return low_ > high_; }
  bool is_log() const { return log_; }
  double low() const { return low_; }
  double high() const { return high_; }

 private:
  bool log_;
  double low_ = std::numeric_limits<double>::infinity();
  double high_ = -std::numeric_limits<double>::infinity();
};

struct Tick {
  double at = 0.0;  // pixels
  std::string label = {};
};

/// From numbers to pixels and to labels at round numbers.
class Scale {
 public:
  /// The range, or what the axis says, with so much of its span as space at ends that the axis leaves open.
  Scale(const Range& range, const Axis& axis, double space = 0.0);

  void set_pixels(double from, double to) { from_ = from, to_ = to; }

  /// In pixels; not finite where the number has no place on the axis.
  double operator()(double value) const;

  /// At 1, 2 or 5 times a power of ten, about so many; on a logarithmic axis at decades, with 2 and 5 where they are
  /// few.
  std::vector<Tick> ticks(int about) const;

  /// The same for numbers that the caller has chosen.
  std::vector<Tick> ticks_at(const std::vector<double>& values) const;

  /// "LOW HIGH", those of log10 on a logarithmic axis: how a script comes from pixels to numbers.
  std::string ends() const;

  bool is_log() const { return log_; }
  /// The pixel of the low end.
  double start() const { return from_; }

 private:
  std::vector<double> linear_values(int about) const;
  std::vector<double> log_values(int about) const;
  std::vector<Tick> labelled(const std::vector<double>& values, bool log) const;

  bool log_, is_count_;
  double low_ = 0.0, high_ = 1.0;  // log10 of them on a logarithmic axis
  double from_ = 0.0, to_ = 1.0;
};

/// With so many significant digits, shortly: 0.25, 1.2k, 2.5M, 3B, 1.5e-4. For a number that stands by itself.
std::string short_number(double value, int digits = 4);

/// Numbers that are compared, with equally many digits: three of the largest.
std::vector<std::string> labels_of(const std::vector<double>& values);

}  // namespace strata::plot
