#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "strata/plot/figure.h"
#include "strata/study/results.h"

/// A page about runs: what was compared, the verdict, curves, layers, where it all comes from.
namespace strata::study {

/// What a report is about. results: of the arms; without any (one arm) there is no table and no verdict.
struct Reported {
  std::vector<ArmRuns> arms;
  std::vector<ArmRuns> tuning = {};  // arms with values that were tried
  std::vector<Results> results = {};
};

struct ReportOptions {
  std::filesystem::path page;  // file
  std::string title;
  std::optional<int> reload_seconds = {};  // the page reloads itself
};

/// Writes the page, whole or not at all.
void write_report(const Reported& reported, const ReportOptions& options);

/// The figures by themselves, by a name that fits a file.
struct NamedFigure {
  std::string name;
  plot::Figure figure;
};
std::vector<NamedFigure> figures_of(const Reported& reported);

}  // namespace strata::study
