// strata train-tokenizer: a sentencepiece unigram model with T5's special ids.
#include "command.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/data/source.h"
#include "strata/data/tokenizer.h"

namespace strata::tools {
namespace {

struct TrainTokenizerArguments {
  std::vector<std::string> input;
  int64_t vocab_size = 32'000;
  std::string output;
  bool skip_bad = false;
};

void run(const TrainTokenizerArguments& arguments) {
  const auto sources = data::find_sources(arguments.input, "--input");
  for (const data::Source& source : sources) {
    if (!source.url.empty()) throw UsageError("--input: " + source.url + ": download it first");
  }
  size_t next_source = 0;
  std::unique_ptr<data::DocumentReader> reader;
  const data::TextStream texts = [&](std::string& text) {
    while (!reader || !reader->next(text)) {
      if (next_source == sources.size()) return false;
      reader = std::make_unique<data::DocumentReader>(sources[next_source++], arguments.skip_bad);
    }
    return true;
  };
  const log::Wait wait(str("sentencepiece to find ", arguments.vocab_size, " pieces"));
  data::train_tokenizer(texts, arguments.vocab_size, arguments.output);
  log::info(str(arguments.output, ": ", arguments.vocab_size, " pieces"));
}

}  // namespace

void add_train_tokenizer(const Command& program) {
  const Command command = program.add("train-tokenizer", "trains a sentencepiece unigram model with T5's special ids");
  const auto arguments = std::make_shared<TrainTokenizerArguments>();
  command.option("--input", arguments->input, "files, globs, {00000..01023} ranges, folders").required();
  command.option("--vocab-size", arguments->vocab_size, "pieces, the special ones included")
      .range(8, 1'000'000)
      .shows_default();
  command.option("--output", arguments->output, "the model to write").required();
  command.flag("--skip-bad", arguments->skip_bad, "count and skip documents that cannot be read");
  command.run([arguments] { run(*arguments); });
}

}  // namespace strata::tools
