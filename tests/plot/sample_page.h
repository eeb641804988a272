#pragma once

#include "strata/plot/page.h"

namespace strata::plot {

/// A page with a block and a figure of each kind: three arms, of which each line has a band and two single seeds; their
/// loss over steps and over tokens. What it draws is counted by page_browser_test.py.
Page sample_page();

}  // namespace strata::plot
