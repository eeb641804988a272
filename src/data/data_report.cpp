#include "data/data_report.h"

#include <algorithm>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/config/enums.h"

namespace strata::data {
namespace {

using config::RowKind;

// Up to here repeated data are almost as good as new ones (Muennighoff et al., arXiv 2305.16264).
constexpr double kFewEpochs = 4.0;

std::string counted(int64_t number, const std::string& what) {
  return with_commas(number) + " " + what + (number == 1 ? "" : "s");
}

double percent_left_out(const SourceCounts& counts) {
  return 100.0 * static_cast<double>(counts.left_out) / static_cast<double>(std::max<int64_t>(counts.tokens, 1));
}

std::string documents_text(const SourceCounts& counts) {
  return str(counted(counts.documents, "document"),
             counts.skipped > 0 ? str(" (", with_commas(counts.skipped), " more skipped)") : "", ", ",
             counted(counts.tokens, "token"), ", ", counted(counts.shards, "shard"));
}

std::string rows_text(const SourceCounts& counts, RowKind kind) {
  const bool are_single = kind != RowKind::kDocument && counts.left_out > 0;
  return str(with_commas(counts.rows), " ", config::enum_name(kind), ", ", fixed(percent_left_out(counts), 1),
             " % of the tokens cut off",
             are_single ? str(" (", counted(counts.left_out, "single last token"), ", with nothing to predict)") : "");
}

std::string epochs_text(double epochs) { return significant(epochs, 3) + " epochs"; }

std::string label(const ReportedSource& source) { return str(source.key, " (", source.name, ")"); }

void warn(const ReportedSource& source, RowKind kind) {
  const double cut = percent_left_out(source.counts);
  const bool is_mixed = !source.key.empty();
  if (cut > 50.0) {
    const char* why = kind == RowKind::kDocument
                          ? ": data.rows=document keeps the first data.sequence_length tokens of each document; split "
                            "and packed read all of them"
                          : ": documents of a single token have nothing to predict; packed reads them too";
    log::warn(str(is_mixed ? label(source) + ": " : "", fixed(cut, 1), " % of the tokens are never read", why));
  }
  if (is_mixed && source.epochs > kFewEpochs) {
    log::warn(str(label(source), " is read ", significant(source.epochs, 3),
                  " times: beyond about four times there is less and less to learn from it; its weight decides"));
  }
}

std::string line_of(const ReportedSource& source, RowKind kind) {
  return str(label(source), ": ", significant(100.0 * source.share, 3), " % of the rows; ",
             documents_text(source.counts), "; rows: ", rows_text(source.counts, kind), "; ",
             epochs_text(source.epochs));
}

}  // namespace

std::vector<std::string> describe(const std::vector<ReportedSource>& sources, RowKind kind) {
  for (const ReportedSource& source : sources) warn(source, kind);
  if (sources.front().key.empty()) {
    const ReportedSource& only = sources.front();
    return {"data: " + documents_text(only.counts),
            str("rows: ", rows_text(only.counts, kind), "; ", epochs_text(only.epochs))};
  }
  SourceCounts all;
  std::vector<std::string> lines{""};
  for (const ReportedSource& source : sources) {
    all.shards += source.counts.shards;
    all.documents += source.counts.documents;
    all.skipped += source.counts.skipped;
    all.tokens += source.counts.tokens;
    lines.push_back(line_of(source, kind));
  }
  lines.front() = str("data: a mixture of ", counted(std::ssize(sources), "source"), ", ", documents_text(all));
  return lines;
}

std::string describe_read(const ReportedSource& source, const SourceCursor& cursor, int64_t rows_per_epoch) {
  const std::string what = source.key.empty() ? "read: " : str("read of ", label(source), ": ");
  if (rows_per_epoch == 0) {
    return str(what, counted(cursor.epoch, "whole epoch"), " and ", counted(cursor.row, "row"), " of the next");
  }
  const int64_t rows = cursor.epoch * rows_per_epoch + cursor.row;
  return str(what, counted(rows, "row"), ", ",
             epochs_text(static_cast<double>(rows) / static_cast<double>(rows_per_epoch)));
}

}  // namespace strata::data
