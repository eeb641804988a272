#pragma once

#include <string>
#include <vector>

#include "strata/config/affects.h"
#include "strata/config/checks.h"

namespace strata::config {

/// A source of a mixture: files, and how much of the run's rows are theirs beside those of the other sources.
struct WeightedFiles {
  std::vector<std::string> files;
  double weight = 1.0;

  void fields(auto& field) {
    field("files", files, Affects::kContents, "of the source, as data.train takes them");
    field("weight", weight, Affects::kContents, "its share of the rows, over the sum of all weights", greater_than(0.0),
          at_most(1e15));
  }

  bool operator==(const WeightedFiles&) const = default;
};

/// data.train: a list of files, or a mixture of sources. Never both.
struct TrainFiles {
  std::vector<std::string> files;
  std::vector<WeightedFiles> mixture = {};

  bool empty() const { return files.empty() && mixture.empty(); }
  bool operator==(const TrainFiles&) const = default;
};

}  // namespace strata::config
