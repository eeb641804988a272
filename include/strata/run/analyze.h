#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "strata/eval/analysis.h"
#include "strata/run/evaluate.h"

/// What the layers of a model folder do on a text, as `strata analyze` finds it.
namespace strata::run {

struct AnalysisOptions {
  std::vector<std::string> text;  // files, globs, folders, URLs
  std::string field = {};         // of JSON files: where the text is; empty: data.field of the folder
  int64_t tokens = 20'000;        // of the text, from its start
  int64_t max_length = 0;         // tokens of a row; 0: as long as the model allows
  std::string output = {};        // JSON; empty: analysis_file() of the run that the folder is, if it is one
};

struct AnalyzedFolder {
  eval::Analysis analysis;
  std::string output;  // the file that was written; empty: none
};

/// Of a run: what strata report draws of it.
inline std::filesystem::path analysis_file(const std::filesystem::path& run) { return run / "analysis.json"; }

/// Analyzes the model and writes what was found; a file of an earlier analysis is replaced. Says on stdout what is
/// analyzed, and how far it is. Throws UsageError for what cannot be analyzed so, or written there.
AnalyzedFolder analyze_folder(const JudgedModel& model, const AnalysisOptions& options);

}  // namespace strata::run
