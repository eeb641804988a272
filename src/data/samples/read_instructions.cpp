#include <algorithm>
#include <iterator>

#include "data/file_kind.h"
#include "strata/base/check.h"
#include "strata/data/samples/instructions.h"
#include "strata/data/source.h"
#include "strata/io/lines.h"

namespace strata::data {
namespace {

std::string text_of_file(const std::filesystem::path& path) {
  std::string text, line;
  for (io::LineReader lines(path); lines.next(line);) text.append(line).push_back('\n');
  return text;
}

}  // namespace

std::vector<Instruction> read_instructions(const std::vector<std::string>& patterns, BadRecords* bad) {
  std::vector<Instruction> records;
  for (const Source& source : find_sources(patterns, "sft.data")) {
    if (!source.url.empty()) throw UsageError("sft.data: " + source.url + " is a URL, not a file");
    for (const auto& file : source.files) {
      if (kind_of(file) != FileKind::kJsonLines) {
        throw UsageError(str("sft.data: ", file.string(), " is none of .json .jsonl (each also .gz, .zst)"));
      }
      std::ranges::move(parse_instructions(text_of_file(file), file.string(), bad), std::back_inserter(records));
    }
  }
  return records;
}

}  // namespace strata::data
