#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "strata/base/table.h"
#include "strata/plot/figure.h"

namespace strata::plot {

struct Heading {
  std::string text = {};
};

struct Paragraph {
  std::string text = {};
};

/// What the page comes to: sentences, a line for each, that stand out.
struct Verdict {
  std::vector<std::string> sentences = {};
};

/// The same figure under several names, such as "steps", "tokens", "FLOPs" for its x axis. One switch chooses the name
/// for all panels of a page; those without it, and all where scripts are off, show their first.
struct Panel {
  struct Variant {
    std::string name = {};
    Figure figure = {};
  };
  std::vector<Variant> variants = {};

  static Panel of(Figure figure) { return {{{"", std::move(figure)}}}; }
};

/// Panels side by side, as many as the screen has room for.
struct Panels {
  std::vector<Panel> panels = {};
};

/// Preformatted text under a line that opens it: a config, where numbers come from.
struct Details {
  std::string summary = {};
  std::string text = {};
};

using Block = std::variant<Heading, Paragraph, Verdict, Table, Panels, Details>;

/// An entry of the legend that all figures of a page share.
struct Arm {
  std::string label = {};
  int color = 0;
};

struct Page {
  std::string title = {};
  std::string subtitle = {};
  /// Figures of which every line or series has its label and color here go without a legend of their own, and hide an
  /// arm where the page's legend does.
  std::vector<Arm> arms = {};
  std::vector<Block> blocks = {};
  std::optional<int> reload_seconds = {};  // while runs go on; scroll position and switches stay as they are
};

/// The page as one file of HTML that loads nothing: for large and small screens, light and dark, and printers.
std::string html(const Page& page);

}  // namespace strata::plot
