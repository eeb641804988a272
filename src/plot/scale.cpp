#include "plot/scale.h"

#include <algorithm>
#include <cmath>

#include "strata/base/check.h"
#include "strata/base/text.h"

namespace strata::plot {
namespace {

constexpr double kTooLarge = 1e15;  // for a unit
constexpr double kAlmost = 1e-9;    // of a step: what rounding may cost a tick at the very end

// 1, 2 or 5 times a power of ten, the one nearest to `step` by ratio.
double round_step(double step) {
  const double power = std::pow(10.0, std::floor(std::log10(step)));
  const double factor = step / power;
  return power * (factor < std::sqrt(2.0) ? 1 : factor < std::sqrt(10.0) ? 2 : factor < std::sqrt(50.0) ? 5 : 10);
}

std::string without_trailing_zeros(std::string text) {
  if (text.find('.') == std::string::npos || text.find('e') != std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

// 2.5e-4 rather than 2.50e-04.
std::string short_scientific(double value, int digits) {
  const std::string text = scientific(value, digits);
  const size_t e = text.find('e');
  return without_trailing_zeros(text.substr(0, e)) + "e" + std::to_string(std::stoi(text.substr(e + 1)));
}

struct Unit {
  double size;
  const char* name;
};

Unit unit_of(double value) {
  for (const Unit unit : {Unit{1e12, "T"}, Unit{1e9, "B"}, Unit{1e6, "M"}, Unit{1e3, "k"}}) {
    if (std::abs(value) >= unit.size * (1 - kAlmost)) return unit;
  }
  return {1.0, ""};
}

bool needs_power(double value) { return std::abs(value) >= kTooLarge || (value != 0.0 && std::abs(value) < 0.9999e-3); }

int digits_behind_point(double step) {
  return std::clamp(static_cast<int>(std::ceil(-std::log10(step) - kAlmost)), 0, 12);
}

int size_of(double value) { return static_cast<int>(std::floor(std::log10(std::abs(value)) + kAlmost)); }

double largest_of(const std::vector<double>& values) {
  double largest = 0.0;
  for (const double value : values) largest = std::max(largest, std::isfinite(value) ? std::abs(value) : 0.0);
  return largest;
}

double least_distance(const std::vector<double>& values) {
  double least = std::numeric_limits<double>::infinity();
  for (size_t i = 1; i < values.size(); ++i) least = std::min(least, std::abs(values[i] - values[i - 1]));
  return std::isfinite(least) ? least : std::pow(10.0, size_of(values[0]));
}

// step: the distance to another label, which must not read the same. largest: of the labels, all in one notation.
std::string label_of(double value, double step, double largest) {
  if (value == 0.0 || !std::isfinite(value)) return fixed(value, 0);
  if (needs_power(largest)) return short_scientific(value, std::clamp(size_of(value) - size_of(step), 0, 12));
  const Unit unit = unit_of(value);
  const std::string text = fixed(value / unit.size, digits_behind_point(step / unit.size));
  return unit.size == 1.0 ? text : without_trailing_zeros(text) + unit.name;
}

// What an axis of one number spans.
double span_around(double value, bool log) {
  if (log) return 0.3;
  return value == 0.0 ? 1.0 : 0.1 * std::abs(value);
}

}  // namespace

void Range::add(double value) {
  if (!std::isfinite(value) || (log_ && value <= 0.0)) return;
  low_ = std::min(low_, value);
  high_ = std::max(high_, value);
}

void Range::add(const std::vector<double>& values) {
  for (const double value : values) add(value);
}

Scale::Scale(const Range& range, const Axis& axis, double space) : log_(range.is_log()), is_count_(axis.is_count) {
  const auto place = [&](double value) { return log_ ? std::log10(value) : value; };
  const auto usable = [&](const std::optional<double>& end) {
    return end && std::isfinite(*end) && (!log_ || *end > 0.0);
  };
  low_ = usable(axis.low) ? place(*axis.low) : place(range.low());
  high_ = usable(axis.high) ? place(*axis.high) : place(range.high());
  if (!(low_ < high_)) {  // one number, or an end of the axis beyond the data
    const double span = span_around(usable(axis.low) ? low_ : high_, log_);
    if (usable(axis.low)) {
      high_ = low_ + 2 * span;
    } else {
      low_ = high_ - (usable(axis.high) ? 2 : 1) * span;
      high_ = low_ + 2 * span;
    }
  }
  const double margin = space * (high_ - low_);
  if (!usable(axis.low)) low_ -= margin;
  if (!usable(axis.high)) high_ += margin;
}

double Scale::operator()(double value) const {
  if (log_ && value <= 0.0) return std::numeric_limits<double>::quiet_NaN();
  return from_ + ((log_ ? std::log10(value) : value) - low_) / (high_ - low_) * (to_ - from_);
}

std::vector<double> Scale::linear_values(int about) const {
  const double low = log_ ? std::pow(10.0, low_) : low_, high = log_ ? std::pow(10.0, high_) : high_;
  const double round = round_step((high - low) / about), step = is_count_ ? std::max(1.0, round) : round;
  std::vector<double> values;
  for (double i = std::ceil(low / step - kAlmost); i <= high / step + kAlmost; ++i) {
    if (values.size() > 100) break;  // numbers so large that one more is none
    values.push_back(i == 0.0 ? 0.0 : i * step);
  }
  return values;
}

std::vector<double> Scale::log_values(int about) const {
  const double decades = high_ - low_;
  const auto stride = static_cast<int>(std::max(1.0, std::ceil(decades / about)));
  const int factors = decades <= 0.5 * about ? 3 : 1;
  std::vector<double> values;
  for (int power = static_cast<int>(std::floor(low_)); power <= high_ + kAlmost; ++power) {
    if (power % stride != 0) continue;
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double place = power + std::log10(factor);
      const bool is_seen = place >= low_ - kAlmost && place <= high_ + kAlmost;
      if (is_seen && (factors == 3 || factor == 1.0)) values.push_back(factor * std::pow(10.0, power));
    }
  }
  return values;
}

std::vector<Tick> Scale::ticks(int about) const {
  const std::vector<double> round = log_ ? log_values(about) : linear_values(about);
  const bool is_within_decade = log_ && round.size() <= 2;
  return is_within_decade ? labelled(linear_values(about), false) : labelled(round, log_);
}

std::vector<Tick> Scale::ticks_at(const std::vector<double>& values) const { return labelled(values, false); }

std::vector<Tick> Scale::labelled(const std::vector<double>& values, bool log) const {
  const double largest = largest_of(values);
  std::vector<Tick> ticks;
  for (const double value : values) {
    // Of a logarithmic axis a label is round: its first digit says all. Small numbers would be long in the notation of
    // large ones.
    const double step = log ? std::pow(10.0, size_of(value)) : least_distance(values);
    const double alike = log && !(largest >= kTooLarge && value >= 1.0) ? value : largest;
    ticks.push_back({(*this)(value), label_of(value, step, alike)});
  }
  return ticks;
}

std::string Scale::ends() const { return significant(low_, 12) + " " + significant(high_, 12); }

std::string short_number(double value, int digits) {
  if (!std::isfinite(value) || value == 0.0) return fixed(value, 0);
  if (needs_power(value)) return short_scientific(value, digits - 1);
  const Unit unit = unit_of(value);
  return fixed(value / unit.size, std::max(0, digits - 1 - size_of(value / unit.size))) + unit.name;
}

std::vector<std::string> labels_of(const std::vector<double>& values) {
  const double largest = largest_of(values);
  const double step = largest == 0.0 ? 1.0 : std::pow(10.0, size_of(largest) - 2);
  std::vector<std::string> labels;
  for (const double value : values) labels.push_back(label_of(value, step, largest));
  return labels;
}

}  // namespace strata::plot
