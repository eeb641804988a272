#include "strata/data/source.h"

#include <glob.h>
#include <xxhash.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <set>

#include "data/file_kind.h"
#include "hub_files.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/io/fetch.h"
#include "strata/io/hub.h"
#include "token_file.h"

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

// The folder and those below it. Names that begin with a dot are an editor's or the system's, here and below.
std::vector<fs::path> folders_of(const fs::path& top) {
  constexpr auto kFollow = fs::directory_options::follow_directory_symlink;
  std::vector<fs::path> folders;
  if (!fs::is_directory(top)) return folders;
  folders.push_back(top);
  std::set<fs::path> seen{fs::canonical(top)};  // links may lead around
  for (auto entry = fs::recursive_directory_iterator(top, kFollow); entry != fs::recursive_directory_iterator();
       ++entry) {
    if (!entry->is_directory()) continue;
    const bool is_hidden = entry->path().filename().string().starts_with('.');
    if (is_hidden || !seen.insert(fs::canonical(entry->path())).second) {
      entry.disable_recursion_pending();
    } else {
      folders.push_back(entry->path());
    }
  }
  return folders;
}

// Megatron's `.idx` of a `.bin`, and no file of its own.
bool is_index(const fs::path& path) {
  std::error_code failure;
  return path.extension() == ".idx" && fs::exists(fs::path(path).replace_extension(".bin"), failure);
}

std::vector<fs::path> files_of_folder(const fs::path& top) {
  std::vector<fs::path> files;
  std::vector<std::string> others;
  for (const fs::path& folder : folders_of(top)) {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      const fs::path& path = entry.path();
      if (path.filename().string().starts_with('.') || entry.is_directory()) continue;
      STRATA_CHECK(entry.exists() || !kind_of(path), path.string(), ": is a link to what is not there");
      if (is_index(path)) continue;
      // A file of numbers may be anything, until it says that they are ids.
      const bool is_data = kind_of(path) == FileKind::kTokens ? is_token_file(path) : kind_of(path).has_value();
      if (is_data) {
        files.push_back(path);
      } else {
        others.push_back(path.lexically_relative(top).string());
      }
    }
  }
  tell_passed_over(top.string(), std::move(others));
  std::ranges::sort(files);
  return files;
}

std::vector<fs::path> paths_like(const std::string& pattern) {
  glob_t found{};
  std::vector<fs::path> paths;
  if (glob(pattern.c_str(), GLOB_BRACE | GLOB_TILDE, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  return paths;
}

// Files, and folders where `**` is not followed by a name.
std::vector<fs::path> paths_at_any_depth(const std::string& pattern) {
  constexpr std::string_view kAnyDepth = "**/";
  const size_t mark = pattern.find(kAnyDepth);
  if (mark == std::string::npos || (mark > 0 && pattern[mark - 1] != '/')) return paths_like(pattern);
  std::set<fs::path> paths;
  for (const fs::path& top : paths_like(mark == 0 ? "." : pattern.substr(0, mark))) {
    for (const fs::path& folder : folders_of(top)) {
      const fs::path below = (folder / pattern.substr(mark + kAnyDepth.size())).lexically_normal();
      for (fs::path& path : paths_at_any_depth(below.string())) paths.insert(std::move(path));
    }
  }
  return {paths.begin(), paths.end()};
}

std::vector<fs::path> matches(const std::string& pattern) {
  std::error_code failure;  // a link that leads around is none
  if (is_index(pattern)) return {fs::path(pattern).replace_extension(".bin")};
  if (fs::is_regular_file(pattern, failure)) return {pattern};
  std::vector<fs::path> files;
  for (const fs::path& path : paths_at_any_depth(pattern)) {
    if (fs::is_directory(path, failure)) {
      std::ranges::copy(files_of_folder(path), std::back_inserter(files));
    } else if (!is_index(path)) {
      files.push_back(path);
    }
  }
  return files;
}

void check_kind(const fs::path& path, std::string_view key) {
  if (!kind_of(path)) throw UsageError(str(key, ": ", path.string(), " is none of ", kFileKinds));
}

std::vector<std::string> urls_like(const std::string& pattern, std::string_view key) {
  if (!io::is_hub_url(pattern)) return {pattern};
  try {
    return hub_files_like(pattern);
  } catch (const UsageError& failure) {
    throw UsageError(str(key, ": ", failure.what()));
  }
}

void append_sources(const std::vector<fs::path>& files, std::string_view key, std::vector<Source>& sources) {
  Source texts;
  const auto flush = [&] {
    if (!texts.files.empty()) sources.push_back(std::move(texts));
    texts = {};
  };
  for (const fs::path& path : files) {
    check_kind(path, key);
    if (kind_of(path) != FileKind::kText) {
      sources.push_back({.name = path.filename().string(), .files = {path}});
      continue;
    }
    if (texts.files.empty()) texts.name = path.filename().string();
    texts.files.push_back(path);
    if (texts.files.size() == kTextsPerShard) flush();
  }
  flush();
}

void tell_of_twins(const std::vector<Source>& sources, std::string_view key) {
  std::set<fs::path> seen;
  for (const Source& source : sources) {
    for (const fs::path& file : source.files) {
      std::error_code failure;
      if (seen.insert(fs::weakly_canonical(file, failure)).second) continue;
      return log::warn(str(key, ": ", file.string(), " is named twice, and is read as often"));
    }
  }
}

}  // namespace

bool Source::is_text() const { return kind_of(files.empty() ? fs::path(url) : files.front()) == FileKind::kText; }

bool Source::holds_tokens() const {
  return kind_of(files.empty() ? fs::path(url) : files.front()) == FileKind::kTokens;
}

std::vector<std::string> expand_ranges(const std::string& pattern) {
  const auto range = find_range(pattern);
  if (!range) return {pattern};
  constexpr int kMost = 1'000'000;
  const int first = std::stoi(range->first), last = std::stoi(range->last);
  const auto names = [&](const char* what) { return str(pattern, ": {", range->first, "..", range->last, "} ", what); };
  if (last < first) throw UsageError(names("names no file: it ends before it begins"));
  if (last - first >= kMost) throw UsageError(names("names more than a million files"));
  std::vector<std::string> expanded;
  for (int number = first; number <= last; ++number) {
    std::string digits = std::to_string(number);
    digits.insert(0, range->first.size() - std::min(range->first.size(), digits.size()), '0');
    const std::string written = pattern.substr(0, range->begin) + digits + pattern.substr(range->end);
    std::ranges::move(expand_ranges(written), std::back_inserter(expanded));
    if (std::ssize(expanded) > kMost) throw UsageError(str(pattern, ": names more than a million files"));
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
        for (const std::string& url : urls_like(written, key)) {
          check_kind(url, key);
          sources.push_back({.name = fs::path(url).filename().string(), .files = {}, .url = url});
        }
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
  tell_of_twins(sources, key);
  return sources;
}

}  // namespace strata::data
