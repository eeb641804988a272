#pragma once

#include <string>
#include <vector>

#include "data/row_source.h"
#include "strata/config/data.h"

// What a run says of its data. Lines for people.
namespace strata::data {

struct ReportedSource {
  std::string key;     // "data.train[0]"; empty: of a plain list
  std::string name;    // of its files
  double share = 1.0;  // of the rows
  double epochs = 0.0;
  SourceCounts counts = {};
};

/// What will be read. Warns of what is cut off for the larger part, and of a source that is read again and again.
std::vector<std::string> describe(const std::vector<ReportedSource>& sources, config::RowKind kind);

/// What was read of a source. rows_per_epoch: 0 where that is not known.
std::string describe_read(const ReportedSource& source, const SourceCursor& cursor, int64_t rows_per_epoch);

}  // namespace strata::data
