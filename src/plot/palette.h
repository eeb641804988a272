#pragma once

#include <string>

#include "strata/plot/figure.h"

namespace strata::plot {

/// A color as 0 ... kColors - 1, wherever it came from.
int color_index(int color);

/// "#0072b2": on white, and on a dark screen.
std::string light_color(int color);
std::string dark_color(int color);

/// The second half of the colors has those of the first, dashed; bars of it are outlined.
bool is_dashed(int color);

/// "c3", the class by which pages color and hide an arm.
std::string color_class(int color);

/// stroke-dasharray of a line, as an attribute, or nothing. dotted: the line asks for it by itself.
std::string dashes(int color, bool dotted);

/// part: 0 ... 1, from few to much (viridis), or from far below over white to far above (blue, red).
std::string sequential_color(double part);
std::string diverging_color(double part);

/// Style rules of a page: the color of every class, light and dark, and that "hide-c3" on the page hides c3 in figures.
std::string palette_css();

}  // namespace strata::plot
