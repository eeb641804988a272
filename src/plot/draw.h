#pragma once

#include <string>

#include "strata/plot/figure.h"

namespace strata::plot {

std::string draw(const Lines& figure, const SvgOptions& options);
std::string draw(const HeatMap& figure, const SvgOptions& options);
std::string draw(const Bars& figure, const SvgOptions& options);
std::string draw(const Intervals& figure, const SvgOptions& options);

}  // namespace strata::plot
