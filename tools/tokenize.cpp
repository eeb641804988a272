// strata tokenize: makes the token shards of a data set ahead of training.
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <optional>
#include <thread>

#include "command.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/data/shard_cache.h"

namespace strata::tools {
namespace {

struct TokenizeArguments {
  std::vector<std::string> patterns;
  std::string tokenizer;
  std::string cache;
  int threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  bool skip_bad = false;
};

// What has been done since the start, on one line that is written over on a terminal.
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
    const bool is_due = std::chrono::steady_clock::now() - shown_ > std::chrono::milliseconds(200);
    if (!is_terminal_ || !is_due) return;
    shown_ = std::chrono::steady_clock::now();
    std::cerr << "\r\x1b[K" << shard_ << ": " << summary() << std::flush;
  }

  void clear() const {
    if (is_terminal_) std::cerr << "\r\x1b[K";
  }

  std::string summary() const {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    const auto rate = static_cast<int64_t>(static_cast<double>(now_.text_bytes) / seconds);
    return str(with_commas(now_.documents), " documents, ", with_commas(now_.tokens), " tokens, ", human_bytes(rate),
               " of text per second");
  }

 private:
  bool is_terminal_ = isatty(STDERR_FILENO) != 0;
  std::string shard_;
  data::TokenizeCounts before_, now_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point shown_;
};

void run(const TokenizeArguments& arguments) {
  using Outcome = data::ShardCache::Outcome;
  const auto sources = data::find_sources(arguments.patterns, "tokenize");
  auto tokenizer = std::make_shared<const data::Tokenizer>(data::local_copy(arguments.tokenizer, arguments.cache));
  Progress progress;
  const data::ShardCache cache(arguments.cache, std::move(tokenizer),
                               {.threads = arguments.threads,
                                .skip_bad = arguments.skip_bad,
                                .progress = [&](const data::TokenizeCounts& counts) { progress.show(counts); }});
  for (size_t i = 0; i < sources.size(); ++i) {
    progress.begin(str("shard ", i + 1, " of ", sources.size()));
    Outcome outcome = cache.make(sources[i]);
    std::optional<log::Wait> wait;
    for (; outcome == Outcome::kBusy; outcome = cache.make(sources[i])) {
      if (!wait) wait.emplace(str("another process that tokenizes ", sources[i].name));
      std::this_thread::sleep_for(std::chrono::milliseconds(200));  // another process makes it
    }
    progress.clear();
    log::info(str(cache.path_of(sources[i]).string(), outcome == Outcome::kThere ? " (was there)" : ""));
  }
  log::info(progress.summary());
}

}  // namespace

void add_tokenize(const Command& program) {
  const Command command = program.add("tokenize", "makes token shards ahead of training");
  const auto arguments = std::make_shared<TokenizeArguments>();
  command.option("pattern", arguments->patterns, "files, globs, {00000..01023} ranges, folders, URLs").required();
  command.option("--tokenizer", arguments->tokenizer, "sentencepiece model (spiece.model), a file or URL").required();
  command.option("--cache", arguments->cache, "folder of the token shards (data.cache)").required();
  command.option("--threads", arguments->threads).positive().shows_default();
  command.flag("--skip-bad", arguments->skip_bad, "count and skip documents that cannot be read");
  command.run([arguments] { run(*arguments); });
}

}  // namespace strata::tools
