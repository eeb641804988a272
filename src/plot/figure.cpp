#include "strata/plot/figure.h"

#include "plot/draw.h"

namespace strata::plot {

std::string svg(const Figure& figure, const SvgOptions& options) {
  return std::visit([&](const auto& kind) { return draw(kind, options); }, figure);
}

}  // namespace strata::plot
