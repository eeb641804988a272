#include "eval_perplexity.h"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "eval_progress.h"
#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/base/version.h"
#include "strata/data/source.h"
#include "strata/eval/perplexity.h"
#include "strata/io/json.h"

namespace strata::tools {
namespace {

using nlohmann::json;

eval::PerplexityOptions options_of(const EvalPerplexityArguments& arguments, const EvalSetup& setup) {
  const int64_t given = arguments.scoring.max_length;
  const int64_t length = given > 0 ? given : setup.folder().config.model.max_positions;
  const int64_t stride = arguments.stride > 0 ? arguments.stride : std::max<int64_t>(length / 2, 1);
  if (stride > length) {
    throw UsageError(str("--stride=", stride, ": tokens would be left out between windows of ", length, " tokens"));
  }
  return {.max_length = length, .stride = stride, .batch = arguments.scoring.batch};
}

std::vector<data::Source> sources_of(const EvalPerplexityArguments& arguments, const EvalSetup& setup) {
  std::vector<data::Source> sources = data::find_sources(arguments.files, "--perplexity");
  for (data::Source& source : sources) {
    if (!source.url.empty()) source.files = {data::local_copy(source.url, setup.folder().config.data.cache)};
  }
  return sources;
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

Table table_of(const eval::Perplexity& result) {
  constexpr auto kRight = Table::Align::kRight;
  Table table({{"documents", kRight},
               {"tokens", kRight},
               {"bytes", kRight},
               {"loss", kRight},
               {"perplexity", kRight},
               {"bits per byte", kRight}});
  table.add({with_commas(result.documents), with_commas(result.tokens), with_commas(result.bytes),
             fixed(result.loss(), 4), fixed(result.perplexity(), 2), fixed(result.bits_per_byte(), 4)});
  return table;
}

void print_header(const EvalSetup& setup, const eval::DocumentCounts& counts, const eval::PerplexityOptions& options) {
  std::cout << "strata " << version() << " · eval · " << setup.text() << "\n  " << with_commas(counts.documents)
            << (counts.documents == 1 ? " document, " : " documents, ") << with_commas(counts.scored)
            << " tokens to score, windows of up to " << with_commas(options.max_length) << " tokens, one every "
            << with_commas(options.stride) << "\n"
            << std::flush;
}

}  // namespace

void evaluate_perplexity(const EvalModelArguments& model, const EvalPerplexityArguments& arguments) {
  const EvalSetup setup(model);
  const eval::PerplexityOptions options = options_of(arguments, setup);
  const std::vector<data::Source> sources = sources_of(arguments, setup);
  const bool skip_bad = setup.folder().config.data.skip_bad;
  const eval::DocumentCounts counts = eval::count_documents(sources, setup.tokenizer(), skip_bad);
  Workers workers = setup.join({{"documents", hex(counts.fingerprint)}});
  const bool speaks = workers.group->is_first();
  if (speaks) print_header(setup, counts, options);
  workers.watch_each_other();
  const int64_t longest = std::min(options.max_length, counts.longest);
  const auto loaded = setup.load({.max_tokens = std::max(kBatchTokens, longest), .longest_row = longest});
  eval::DocumentStream documents(sources, setup.tokenizer(), skip_bad);
  EvalProgress progress(counts.scored, !speaks, "tokens");
  const eval::Perplexity result = eval::measure_perplexity(
      loaded->model, [&](eval::Document& document) { return documents.next(document); }, options, *workers.group,
      [&](const eval::Perplexity& so_far) { progress.show("perplexity", so_far.tokens, counts.scored); });
  progress.end();
  if (speaks && !arguments.output.empty()) {
    const json evaluation{
        {"model", setup.description()}, {"max_length", options.max_length}, {"stride", options.stride}};
    io::write_json(arguments.output, {{"perplexity", to_json(result, arguments.files)}, {"evaluation", evaluation}});
  }
  workers.leave();
  if (!speaks) return;
  print_table(table_of(result), arguments.markdown);
}

}  // namespace strata::tools
