#include "strata/nn/trained.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "strata/base/check.h"

namespace strata::nn {
namespace {

bool is_gate(const ParamSpec& param) { return param.role == ParameterRole::kGate; }

size_t section_of(const ParameterLayout& all, const ParamSpec& param) {
  const auto section = std::ranges::upper_bound(all.sections, param.offset, {}, &ArenaRange::end);
  return static_cast<size_t>(section - all.sections.begin());
}

// Section by section, and in each gains, gates and then weights: where a norm acts is not the same in all layers of
// every scheme.
std::vector<ParamSpec> of_layer(const ParameterLayout& all, int64_t layer) {
  std::vector<ParamSpec> params;
  std::ranges::copy_if(all.params, std::back_inserter(params),
                       [&](const ParamSpec& param) { return param.layer == layer; });
  const auto kind = [](const ParamSpec& param) {
    return param.role == ParameterRole::kGain ? 0 : param.role == ParameterRole::kGate ? 1 : 2;
  };
  std::ranges::stable_sort(params, {},
                           [&](const ParamSpec& param) { return std::pair(section_of(all, param), kind(param)); });
  return params;
}

// What is not in a layer stands in front of all layers or behind them.
std::vector<ParamSpec> by_layer(const ParameterLayout& all, const TrainedSet& set) {
  std::vector<ParamSpec> params, behind;
  for (const ParamSpec& param : all.params) {
    if (param.layer < 0) (param.offset < all.sections.front().end ? params : behind).push_back(param);
  }
  for (const int64_t layer : *set.layers) std::ranges::copy(of_layer(all, layer), std::back_inserter(params));
  std::ranges::copy(behind, std::back_inserter(params));
  if (!set.gates) std::erase_if(params, is_gate);
  return params;
}

// Neighbours without a gap stay so: products of weights that lie side by side are one.
int64_t lay_side_by_side(std::vector<ParamSpec>& params) {
  int64_t end = 0, end_before = -1;
  for (ParamSpec& param : params) {
    const bool is_appended = param.offset == end_before;
    end_before = place_of(param).end;
    param.offset = is_appended ? end : aligned(end);
    end = place_of(param).end;
  }
  return aligned(end);
}

// What a layer's parameters look like, apart from their names.
std::vector<std::vector<int64_t>> shape_of_layer(const ParameterLayout& all, int64_t layer) {
  std::vector<std::vector<int64_t>> shapes;
  for (const ParamSpec& param : of_layer(all, layer)) {
    shapes.push_back(param.shape);
    shapes.back().push_back(static_cast<int64_t>(param.role));
  }
  return shapes;
}

void check_alike(const ParameterLayout& all) {
  const int64_t layers = std::ssize(all.sections) - 2;
  for (int64_t layer = 1; layer < layers; ++layer) {
    if (shape_of_layer(all, layer) == shape_of_layer(all, 0)) continue;
    throw UsageError(str("lisa.layers: layers can take turns only where all have the same parameters; layer ", layer,
                         " of this scheme has others than layer 0"));
  }
}

// From where the first of a section's parameters lies to the next section.
std::vector<ArenaRange> sections_of(const ParameterLayout& all, const std::vector<ParamSpec>& params, int64_t size) {
  std::vector<ArenaRange> sections(all.sections.size(), ArenaRange{size, size});
  int64_t last = std::ssize(sections) - 1;
  for (auto param = params.rbegin(); param != params.rend(); ++param) {
    const auto section = static_cast<int64_t>(section_of(all, all.find(param->name)));
    if (section > last) {
      throw UsageError(str("lisa.layers: ", param->name, " of this scheme lies between layers that take turns"));
    }
    for (; last > section; --last) {
      sections[static_cast<size_t>(last - 1)] = {sections[static_cast<size_t>(last)].begin,
                                                 sections[static_cast<size_t>(last)].begin};
    }
    sections[static_cast<size_t>(section)].begin = param->offset;
  }
  return sections;
}

}  // namespace

ParameterLayout trained_layout(const ParameterLayout& all, const TrainedSet& set) {
  ParameterLayout trained = all;
  if (!set.layers) {
    if (!set.gates) std::erase_if(trained.params, is_gate);
    return trained;
  }
  check_alike(all);
  trained.params = by_layer(all, set);
  trained.arena_size = lay_side_by_side(trained.params);
  trained.sections = sections_of(all, trained.params, trained.arena_size);
  return trained;
}

}  // namespace strata::nn
