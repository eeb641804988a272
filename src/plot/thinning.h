#pragma once

#include <cstddef>
#include <vector>

namespace strata::plot {

/// Which numbers to draw of a line, ascending: all, or about `most` of them. Of each bucket of neighbours the smallest
/// and the largest stay, and where some are not finite the first and the last of these. The line's ends stay always.
std::vector<size_t> thinned(const std::vector<double>& values, size_t most);

/// `count` columns in at most `most` groups of neighbours of equal size (the last may be smaller): where each begins,
/// and behind them the count.
std::vector<size_t> grouped(size_t count, size_t most);

}  // namespace strata::plot
