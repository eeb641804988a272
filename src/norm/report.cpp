#include "strata/norm/report.h"

#include <algorithm>

#include "strata/base/check.h"
#include "strata/config/enums.h"

namespace strata::norm {
namespace {

using Cells = std::vector<std::string>;

constexpr const char* kNone = "-";

// The parameter's name as seen from a layer, so that layers which do the same read the same.
std::string name_in_layer(const std::string& name, int64_t layer) {
  const auto without = [&](const std::string& prefix) { return name.substr(prefix.size()); };
  const std::string own = str("model.layers.", layer, ".");
  const std::string next = str("model.layers.", layer + 1, ".");
  std::string shown = name.starts_with(own) ? without(own) : name.starts_with(next) ? "next " + without(next) : name;
  const std::string suffix = ".weight";
  if (shown.ends_with(suffix)) shown.resize(shown.size() - suffix.size());
  return shown;
}

std::string show(const std::optional<Gain>& gain, int64_t layer) {
  if (!gain) return kNone;
  return name_in_layer(gain->name, layer) + (gain->start == 1.0 ? "" : str(" from ", gain->start));
}

std::string show_gate(const WiredJunction& junction, int64_t layer) {
  if (junction.weight) return str("branch by the number ", name_in_layer(junction.weight->name, layer));
  if (!junction.gate) return kNone;
  return str(config::enum_name(junction.rule.gate), " by ", name_in_layer(*junction.gate, layer));
}

std::string show(const Ramp& ramp) {
  if (ramp.is_constant()) return str(ramp.from);
  const std::string power = ramp.power == 1.0 ? "" : str(", power ", ramp.power);
  return str(ramp.from, " to ", ramp.to, " in updates ", ramp.begin, " to ", ramp.begin + ramp.length, power);
}

Cells cells(const std::string& between, const WiredJunction& junction, int64_t layer, bool scales) {
  Cells cells{between,
              str(junction.rule.skip_scale),
              show(junction.branch_gain, layer),
              show(junction.out_gain, layer),
              show(junction.next_gain, layer),
              str(junction.rule.next_scale),
              show_gate(junction, layer)};
  if (scales) cells.insert(cells.begin() + 2, show(junction.rule.branch_scale));
  return cells;
}

struct LayerLines {
  Cells after_attention;
  Cells after_feed_forward;
  bool operator==(const LayerLines&) const = default;
};

LayerLines lines_of(const Wiring& wiring, int64_t layer, bool scales) {
  const auto first = static_cast<size_t>(2 * layer);
  const bool last = first + 2 == wiring.after.size();
  return {cells("attention, feed-forward", wiring.after[first], layer, scales),
          cells(last ? "feed-forward, head" : "feed-forward, next attention", wiring.after[first + 1], layer, scales)};
}

void add_line(Table& table, const std::string& layer, Cells cells) {
  cells.insert(cells.begin(), layer);
  table.add(std::move(cells));
}

}  // namespace

Table junction_table(const Wiring& wiring) {
  constexpr auto kRight = Table::Align::kRight;
  const bool scales = !std::ranges::all_of(
      wiring.after, [](const WiredJunction& junction) { return junction.rule.branch_scale.is_one(); });
  std::vector<Table::Column> columns{{"layer"},    {"between"},   {"skip_scale", kRight}, {"branch_norm"},
                                     {"out_norm"}, {"next_norm"}, {"next_scale", kRight}, {"gate"}};
  if (scales) columns.insert(columns.begin() + 3, {"branch_scale"});
  Table table(std::move(columns));
  add_line(table, kNone, cells("embedding, next attention", wiring.entry, -1, scales));
  const auto layers = static_cast<int64_t>(wiring.after.size()) / 2;
  for (int64_t layer = 0; layer < layers;) {
    const LayerLines lines = lines_of(wiring, layer, scales);
    add_line(table, str(layer), lines.after_attention);
    add_line(table, str(layer), lines.after_feed_forward);
    int64_t last = layer;
    while (last + 1 < layers && lines_of(wiring, last + 1, scales) == lines) ++last;
    if (last > layer) table.add({last == layer + 1 ? str(last) : str(layer + 1, "-", last), str("as layer ", layer)});
    layer = last + 1;
  }
  return table;
}

}  // namespace strata::norm
