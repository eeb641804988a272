#include "strata/data/source.h"

#include <glob.h>
#include <xxhash.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <ranges>

#include "data/file_kind.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/io/fetch.h"

namespace strata::data {
namespace {

namespace fs = std::filesystem;

// A shard of text files holds no more than this: the memory for their names, and what is lost when one of them changes.
constexpr size_t kTextsPerShard = 10'000;

struct Range {
  size_t begin = 0;  // of "{"
  size_t end = 0;    // after "}"
  std::string first, last;
};

bool is_number(std::string_view text) {
  return !text.empty() && text.size() < 10 &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c); });
}

std::optional<Range> find_range(const std::string& pattern) {
  for (size_t begin = pattern.find('{'); begin != std::string::npos; begin = pattern.find('{', begin + 1)) {
    const size_t dots = pattern.find("..", begin);
    const size_t end = pattern.find('}', begin);
    if (dots == std::string::npos || end == std::string::npos || end < dots) continue;
    Range range{begin, end + 1, pattern.substr(begin + 1, dots - begin - 1), pattern.substr(dots + 2, end - dots - 2)};
    if (is_number(range.first) && is_number(range.last)) return range;
  }
  return std::nullopt;
}

// Says what of a folder is no data: a file of another kind may be meant as such.
void tell_passed_over(const fs::path& folder, std::vector<fs::path> files) {
  constexpr size_t kShown = 3;
  if (files.empty()) return;
  std::ranges::sort(files);
  std::vector<std::string> names;
  for (const fs::path& file : files | std::views::take(kShown))
    names.push_back(file.lexically_relative(folder).string());
  log::warn(
      str(folder.string(), ": passed over ", files.size(), files.size() == 1 ? " file that is" : " files that are",
          " none of .json .jsonl .txt (each also .gz): ", join(names, ", "), files.size() > kShown ? ", ..." : ""));
}

// Names that begin with a dot are an editor's or the system's.
std::vector<fs::path> files_of_folder(const fs::path& folder) {
  std::vector<fs::path> files, others;
  for (auto entry = fs::recursive_directory_iterator(folder); entry != fs::recursive_directory_iterator(); ++entry) {
    if (entry->path().filename().string().starts_with('.')) {
      entry.disable_recursion_pending();
    } else if (entry->is_regular_file()) {
      (kind_of(entry->path()) ? files : others).push_back(entry->path());
    }
  }
  tell_passed_over(folder, std::move(others));
  std::ranges::sort(files);
  return files;
}

std::vector<fs::path> matches(const std::string& pattern) {
  if (fs::is_regular_file(pattern)) return {pattern};
  glob_t found{};
  std::vector<fs::path> files;
  if (glob(pattern.c_str(), GLOB_BRACE | GLOB_TILDE, nullptr, &found) == 0) {
    for (size_t i = 0; i < found.gl_pathc; ++i) {
      const fs::path path = found.gl_pathv[i];
      if (fs::is_directory(path)) {
        std::ranges::copy(files_of_folder(path), std::back_inserter(files));
      } else {
        files.push_back(path);
      }
    }
  }
  globfree(&found);
  return files;
}

void check_kind(const fs::path& path, std::string_view key) {
  if (!kind_of(path)) throw UsageError(str(key, ": ", path.string(), " is none of .json .jsonl .txt (each also .gz)"));
}

void append_sources(const std::vector<fs::path>& files, std::string_view key, std::vector<Source>& sources) {
  Source texts;
  const auto flush = [&] {
    if (!texts.files.empty()) sources.push_back(std::move(texts));
    texts = {};
  };
  for (const fs::path& path : files) {
    check_kind(path, key);
    if (kind_of(path) == FileKind::kJsonLines) {
      sources.push_back({.name = path.filename().string(), .files = {path}});
      continue;
    }
    if (texts.files.empty()) texts.name = path.filename().string();
    texts.files.push_back(path);
    if (texts.files.size() == kTextsPerShard) flush();
  }
  flush();
}

}  // namespace

bool Source::is_text() const { return kind_of(files.empty() ? fs::path(url) : files.front()) == FileKind::kText; }

std::vector<std::string> expand_ranges(const std::string& pattern) {
  const auto range = find_range(pattern);
  if (!range) return {pattern};
  std::vector<std::string> expanded;
  for (int number = std::stoi(range->first); number <= std::stoi(range->last); ++number) {
    std::string digits = std::to_string(number);
    digits.insert(0, range->first.size() - std::min(range->first.size(), digits.size()), '0');
    const std::string written = pattern.substr(0, range->begin) + digits + pattern.substr(range->end);
    std::ranges::move(expand_ranges(written), std::back_inserter(expanded));
  }
  return expanded;
}

uint64_t fingerprint_of(const std::vector<Source>& sources) {
  std::string key;
  for (const Source& source : sources) {
    key += str('\0', source.url);
    for (const fs::path& file : source.files) key += str('\0', file.filename().string(), '\0', fs::file_size(file));
  }
  return XXH3_64bits(key.data(), key.size());
}

std::vector<Source> find_sources(const std::vector<std::string>& patterns, std::string_view key) {
  if (patterns.empty()) throw UsageError(str(key, ": names no file"));
  std::vector<Source> sources;
  for (const std::string& pattern : patterns) {
    std::vector<fs::path> files;
    for (const std::string& written : expand_ranges(pattern)) {
      if (io::is_url(written)) {
        check_kind(written, key);
        sources.push_back({.name = fs::path(written).filename().string(), .files = {}, .url = written});
        continue;
      }
      const auto found = matches(written);
      if (found.empty()) {
        throw UsageError(str(key, ": no file matches \"", written, "\"",
                             fs::path(written).is_relative() ? " (looked in " + fs::current_path().string() + ")" : "",
                             key.starts_with("data.") ? "; scripts/fetch_data.sh downloads C4" : ""));
      }
      files.insert(files.end(), found.begin(), found.end());
    }
    append_sources(files, key, sources);
  }
  return sources;
}

}  // namespace strata::data
