// strata tokenize: makes the token shards of a data set ahead of training.
// strata train-tokenizer: a sentencepiece unigram model with T5's special ids, or byte-level BPE.
#include <chrono>
#include <thread>

#include "command.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/data/shard_cache.h"
#include "strata/data/source.h"
#include "strata/data/tokenizer.h"

namespace strata::tools {
namespace {

using Clock = std::chrono::steady_clock;

struct TokenizeArguments {
  std::vector<std::string> patterns;
  std::string tokenizer;
  std::string cache;
  data::DocumentMarks marks;
  int threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  data::ReadOptions reading;
};

struct TrainTokenizerArguments {
  std::vector<std::string> input;
  int64_t vocab_size = 32'000;
  std::string kind = "unigram";
  std::string output;
  data::ReadOptions reading;
};

// What has been done since the start.
class Progress {
 public:
  void begin(const std::string& shard) {
    shard_ = shard;
    before_ = now_;
  }

  void show(const data::TokenizeCounts& counts) {
    now_.documents = before_.documents + counts.documents;
    now_.tokens = before_.tokens + counts.tokens;
    now_.text_bytes = before_.text_bytes + counts.text_bytes;
    if (pace_.is_due()) log::progress({{shard_, 2}, {documents(), 1}, {tokens(), 3}, {rate(), 0}});
  }

  void add_skipped(int64_t documents) { now_.bad_documents += documents; }

  std::string summary() const {
    const std::string skipped =
        now_.bad_documents > 0 ? str(" (", with_commas(now_.bad_documents), " more skipped)") : "";
    return str(documents(), skipped, ", ", tokens(), ", ", rate());
  }

 private:
  std::string documents() const { return with_commas(now_.documents) + " documents"; }
  std::string tokens() const { return with_commas(now_.tokens) + " tokens"; }
  std::string rate() const {
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    return human_bytes(static_cast<int64_t>(static_cast<double>(now_.text_bytes) / seconds)) + " of text per second";
  }

  std::string shard_;
  data::TokenizeCounts before_, now_;
  Clock::time_point start_ = Clock::now();
  log::Pace pace_;
};

void tokenize(const TokenizeArguments& arguments) {
  const auto sources = data::find_sources(arguments.patterns, "tokenize");
  auto tokenizer =
      std::make_shared<const data::Tokenizer>(data::local_copy(arguments.tokenizer, arguments.cache), arguments.marks);
  data::warn_of_missing_end(*tokenizer, arguments.marks);
  Progress progress;
  const data::ShardCache cache(arguments.cache, std::move(tokenizer),
                               {.threads = arguments.threads,
                                .reading = arguments.reading,
                                .progress = [&](const data::TokenizeCounts& counts) { progress.show(counts); }});
  const log::LastWords stopped("the shards that are made stay; the same command makes the rest");
  for (size_t i = 0; i < sources.size(); ++i) {
    progress.begin(str("shard ", i + 1, " of ", sources.size()));
    const bool was_there = cache.make_or_wait(sources[i]) == data::ShardCache::Outcome::kThere;
    if (!was_there) progress.add_skipped(cache.skipped_of(sources[i]));
    log::info(cache.path_of(sources[i]).string() + (was_there ? " (was there)" : ""));
  }
  log::info(progress.summary());
}

void train_tokenizer(const TrainTokenizerArguments& arguments) {
  const auto sources = data::find_sources(arguments.input, "--input");
  for (const data::Source& source : sources) {
    if (!source.url.empty()) throw UsageError("--input: " + source.url + ": download it first");
  }
  size_t next_source = 0;
  std::unique_ptr<data::DocumentReader> reader;
  const data::TextStream texts = [&](std::string& text) {
    while (!reader || !reader->next(text)) {
      if (next_source == sources.size()) return false;
      reader = std::make_unique<data::DocumentReader>(sources[next_source++], arguments.reading);
    }
    return true;
  };
  const log::LastWords stopped(str("nothing was written to ", arguments.output));
  const bool is_bpe = arguments.kind == "bpe";
  const log::Wait wait(
      str(is_bpe ? "byte-pair encoding" : "sentencepiece", " to find ", arguments.vocab_size, " pieces"));
  (is_bpe ? data::train_byte_bpe : data::train_tokenizer)(texts, arguments.vocab_size, arguments.output);
  log::info(str(arguments.output, ": ", arguments.vocab_size, " pieces"));
}

void add_reading(const Command& command, data::ReadOptions& reading) {
  command.flag("--skip-bad", reading.skip_bad, "count and skip documents that cannot be read (data.skip_bad)");
  command.option("--field", reading.field, "of the JSON objects, or column: where the text is (data.field)")
      .shows_default();
  command.option("--longest-document", reading.longest_document, "bytes (data.longest_document)")
      .positive()
      .shows_default();
}

}  // namespace

void add_tokenize(const Command& program) {
  const Command command = program.add("tokenize", "make token shards ahead of training");
  const auto arguments = std::make_shared<TokenizeArguments>();
  command
      .option("pattern", arguments->patterns,
              "files, globs, {00000..01023} ranges, folders, URLs, hf://datasets/OWNER/NAME/…")
      .required();
  command.option("--tokenizer", arguments->tokenizer, "sentencepiece model or tokenizer.json, a file or URL")
      .required();
  command.option("--cache", arguments->cache, "folder of the token shards (data.cache)").required();
  const std::map<std::string, config::SpecialToken> marks{{"auto", config::SpecialToken::kAuto},
                                                          {"true", config::SpecialToken::kTrue},
                                                          {"false", config::SpecialToken::kFalse}};
  command.choice("--bos", arguments->marks.bos, marks, "data.bos").shows_default("auto");
  command.choice("--eos", arguments->marks.eos, marks, "data.eos").shows_default("auto");
  command.option("--threads", arguments->threads).positive().shows_default("cores");
  add_reading(command, arguments->reading);
  command.run([arguments] { tokenize(*arguments); });
}

void add_train_tokenizer(const Command& program) {
  const Command command = program.add("train-tokenizer", "train a tokenizer on texts");
  const auto arguments = std::make_shared<TrainTokenizerArguments>();
  command.option("--input", arguments->input, "files, globs, {00000..01023} ranges, folders").required();
  command
      .option("--kind", arguments->kind,
              "unigram: a sentencepiece model with T5's special ids; bpe: a tokenizer.json with GPT-2's parts")
      .one_of({"unigram", "bpe"})
      .shows_default();
  command.option("--vocab-size", arguments->vocab_size, "pieces, the special ones included")
      .range(8, 1'000'000)
      .shows_default();
  command.option("--output", arguments->output, "the model to write").required();
  add_reading(command, arguments->reading);
  command.run([arguments] { train_tokenizer(*arguments); });
}

}  // namespace strata::tools
