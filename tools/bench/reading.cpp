// strata bench reading: how fast documents are read from files, before anything is made of them.
#include <chrono>
#include <iostream>

#include "bench.h"
#include "strata/base/text.h"
#include "strata/data/source.h"

namespace strata::tools {
namespace {

struct ReadingArguments {
  std::vector<std::string> patterns;
  data::ReadOptions reading;
  int threads = 1;
};

void run(const ReadingArguments& arguments) {
  const auto begun = std::chrono::steady_clock::now();
  int64_t documents = 0, bytes = 0, bad = 0;
  for (data::Source& source : data::find_sources(arguments.patterns, "bench reading")) {
    if (!source.url.empty()) throw UsageError("bench reading: " + source.url + ": download it first");
    data::DocumentReader reader(std::move(source), arguments.reading, arguments.threads);
    for (std::string text; reader.next(text); ++documents) bytes += std::ssize(text);
    bad += reader.bad_documents();
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  std::cout << with_commas(documents) << " documents, " << with_commas(bytes) << " bytes of text, " << with_commas(bad)
            << " bad; " << fixed(static_cast<double>(bytes) / seconds / 1e6, 1) << " MB/s\n";
}

}  // namespace

void add_bench_reading(const Command& bench) {
  const Command command = bench.add("reading", "MB/s of text out of files");
  const auto arguments = std::make_shared<ReadingArguments>();
  command.option("pattern", arguments->patterns, "files, globs, {00000..01023} ranges, folders").required();
  command.option("--field", arguments->reading.field, "where the text is (data.field)").shows_default();
  command.option("--threads", arguments->threads, "that read row groups of parquet").positive().shows_default();
  command.flag("--skip-bad", arguments->reading.skip_bad, "as data.skip_bad");
  command.run([arguments] { run(*arguments); });
}

}  // namespace strata::tools
