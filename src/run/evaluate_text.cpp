#include <algorithm>
#include <nlohmann/json.hpp>

#include "evaluation.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/base/version.h"
#include "strata/io/json.h"
#include "strata/run/evaluate.h"

namespace strata::run {
namespace {

using nlohmann::json;

eval::PerplexityOptions options_of(const TextOptions& given, const EvalSetup& setup) {
  const int64_t length = setup.max_length(given.scoring.max_length);
  const int64_t stride = given.stride > 0 ? given.stride : std::max<int64_t>(length / 2, 1);
  if (stride > length) {
    throw UsageError(str("--stride=", stride, ": tokens would be left out between windows of ", length, " tokens"));
  }
  return {.max_length = length, .stride = stride, .batch = given.scoring.batch};
}

json to_json(const eval::Perplexity& result, const std::vector<std::string>& files) {
  return {{"files", files},
          {"documents", result.documents},
          {"tokens", result.tokens},
          {"bytes", result.bytes},
          {"loss", result.loss()},
          {"perplexity", result.perplexity()},
          {"bits_per_byte", result.bits_per_byte()}};
}

void say_header(const EvalSetup& setup, const eval::DocumentCounts& counts, const eval::PerplexityOptions& options) {
  log::say(str("strata ", version(), " · eval · ", setup.text(), "\n  ", with_commas(counts.documents),
               counts.documents == 1 ? " document, " : " documents, ", with_commas(counts.scored),
               " tokens to score, windows of up to ", with_commas(options.max_length), " tokens, one every ",
               with_commas(options.stride)));
}

}  // namespace

std::optional<eval::Perplexity> evaluate_on_text(const JudgedModel& model, const TextOptions& given) {
  const EvalSetup setup(model);
  const eval::PerplexityOptions options = options_of(given, setup);
  const std::vector<data::Source> sources = setup.sources(given.files, "--perplexity");
  data::ReadOptions reading = data::read_options(setup.folder().config.data);
  if (!given.field.empty()) reading.field = given.field;
  const eval::DocumentCounts counts = eval::count_documents(sources, setup.tokenizer(), reading);
  const json evaluation{{"model", setup.description()}, {"max_length", options.max_length}, {"stride", options.stride}};
  open_results(given.output, evaluation);
  Workers workers = setup.join({{"documents", hex(counts.fingerprint)}});
  const bool speaks = workers.communicator->is_first();
  if (speaks) say_header(setup, counts, options);
  workers.watch_each_other();
  const int64_t longest = std::min(options.max_length, counts.longest);
  const auto loaded = setup.load({.max_tokens = std::max(kBatchTokens, longest), .longest_row = longest});
  const log::LastWords stopped("nothing is kept");
  eval::DocumentStream documents(sources, setup.tokenizer(), reading);
  EvalProgress progress(counts.scored, !speaks, "tokens");
  const eval::Perplexity result = eval::measure_perplexity(
      loaded->model, [&](eval::Document& document) { return documents.next(document); }, options, *workers.communicator,
      [&](const eval::Perplexity& so_far) { progress.show("perplexity", so_far.tokens, counts.scored); });
  log::end_progress();
  if (speaks && !given.output.empty()) {
    io::write_json(given.output, {{"perplexity", to_json(result, given.files)}, {"evaluation", evaluation}});
  }
  workers.leave();
  return speaks ? std::optional(result) : std::nullopt;
}

}  // namespace strata::run
