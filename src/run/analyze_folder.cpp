#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "evaluation.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/base/version.h"
#include "strata/eval/documents.h"
#include "strata/io/json.h"
#include "strata/run/analyze.h"

namespace strata::run {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// The logits of a batch are in memory, and the streams of all layers.
constexpr int64_t kAnalyzedTokens = 2048;

// Of runs/x and of runs/x@best the file in runs/x; of another folder none.
std::string default_output(const std::string& folder) {
  const fs::path run = fs::is_directory(folder) ? folder : folder.substr(0, folder.rfind('@'));
  return fs::is_directory(run / "checkpoints") ? analysis_file(run).string() : "";
}

void check_replaceable(const std::string& output) {
  check_writable(output);
  if (!fs::exists(output)) return;
  const auto is_analysis = [&] {
    try {
      return io::read_json(output).contains("angular_distance");
    } catch (const Error&) {
      return false;
    }
  };
  if (!is_analysis()) {
    throw UsageError(str("--output: ", output, ": holds something else than what strata analyze writes"));
  }
}

eval::Excerpt excerpt_of(const EvalSetup& setup, const AnalysisOptions& options, int64_t max_length) {
  data::ReadOptions reading = data::read_options(setup.folder().config.data);
  if (!options.field.empty()) reading.field = options.field;
  eval::DocumentStream documents(setup.sources(options.text, "--text"), setup.tokenizer(), reading);
  return eval::excerpt_of([&](eval::Document& document) { return documents.next(document); }, max_length,
                          options.tokens);
}

json to_json(const eval::Analysis& analysis, const eval::Excerpt& text, const EvalSetup& setup) {
  json found = eval::to_json(analysis);
  found["model"] = setup.description();
  found["documents"] = text.documents;
  return found;
}

}  // namespace

AnalyzedFolder analyze_folder(const JudgedModel& model, const AnalysisOptions& options) {
  const EvalSetup setup(model);
  const std::string output = options.output.empty() ? default_output(model.folder) : options.output;
  if (!output.empty()) check_replaceable(output);
  const int64_t max_length = setup.max_length(options.max_length);
  const eval::Excerpt text = excerpt_of(setup, options, max_length);
  log::say(str("strata ", version(), " · analyze · ", setup.text(), "\n  ", with_commas(text.tokens), " tokens of ",
               with_commas(text.documents), text.documents == 1 ? " document" : " documents", ", rows of up to ",
               with_commas(text.longest)));
  const auto loaded = setup.load_with_gradients(
      {.max_tokens = std::max(std::min(kAnalyzedTokens, text.tokens), text.longest), .longest_row = text.longest});
  const log::LastWords stopped("nothing is kept");
  EvalProgress progress(text.tokens, false, "tokens");
  AnalyzedFolder analyzed{
      .analysis = eval::analyze(loaded->model, text, [&](int64_t done) { progress.show("layers", done, text.tokens); }),
      .output = output};
  log::end_progress();
  if (output.empty()) return analyzed;
  json found = to_json(analyzed.analysis, text, setup);
  found["folder"] = hub::find_model_folder(model.folder)->string();
  found["files"] = options.text;
  found["max_length"] = max_length;
  io::write_json(output, found);
  return analyzed;
}

}  // namespace strata::run
