// data.train: a list of files, or of sources that are maps themselves.
#include "strata/config/train_files.h"

#include <algorithm>
#include <numeric>

#include "config/schema.h"
#include "strata/base/check.h"

namespace strata::config {
namespace {

// The shares of rows are counted in so small parts (strata/data/mixture.h).
constexpr double kSmallestShare = 1e-9;

[[noreturn]] void refuse(const Node& node, const std::string& key, const std::string& message) {
  throw UsageError(str(node.place, ": ", key, ": ", message));
}

bool is_map(const Node& node) { return node.kind == Node::Kind::kMap; }

WeightedFiles read_source(const Node& node, const std::string& key) {
  WeightedFiles source;
  FieldList list;
  source.fields(list);
  assign(list.fields, node, key);
  const bool names_files =
      std::ranges::any_of(node.entries, [](const Node::Entry& entry) { return entry.first == "files"; });
  if (!names_files) refuse(node, key, str("has no files, got ", show_briefly(node)));
  if (source.files.empty()) refuse(node, key + ".files", "names no file");
  return source;
}

void check_shares(const std::vector<WeightedFiles>& mixture, const Node& node, const std::string& key) {
  const double sum = std::accumulate(mixture.begin(), mixture.end(), 0.0,
                                     [](double before, const WeightedFiles& source) { return before + source.weight; });
  for (size_t i = 0; i < mixture.size(); ++i) {
    if (mixture[i].weight >= kSmallestShare * sum) continue;
    refuse(node.items[i], str(key, "[", i, "].weight"),
           str("is too small beside the others: ", mixture[i].weight, " of ", sum, " in all"));
  }
}

}  // namespace

TrainFiles Codec<TrainFiles>::read_below(const Node& node, const std::string& key) {
  if (auto files = Codec<std::vector<std::string>>::read(node)) return {.files = std::move(*files)};
  const bool has_sources = node.kind == Node::Kind::kList && std::ranges::any_of(node.items, is_map);
  if (!has_sources) refuse(node, key, str("expected ", type(), ", got ", show_briefly(node)));
  TrainFiles read;
  for (size_t i = 0; i < node.items.size(); ++i) {
    const Node& item = node.items[i];
    const std::string path = str(key, "[", i, "]");
    if (!is_map(item)) {
      refuse(item, path,
             str("expected a source {files: [...], weight: 1} as in the rest of the list, got ", show_briefly(item)));
    }
    read.mixture.push_back(read_source(item, path));
  }
  check_shares(read.mixture, node, key);
  return read;
}

Node Codec<TrainFiles>::write(const TrainFiles& value) {
  if (value.mixture.empty()) return Codec<std::vector<std::string>>::write(value.files);
  Node list{.kind = Node::Kind::kList};
  for (WeightedFiles source : value.mixture) {
    FieldList fields;
    source.fields(fields);
    list.items.push_back(values_of(fields.fields));
  }
  return list;
}

}  // namespace strata::config
