#include "hub_files.h"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <ranges>

#include "data/file_kind.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/io/hub.h"

namespace strata::data {
namespace {

constexpr std::string_view kWildcards = "*?[";

bool is_hidden(std::string_view path) { return path.starts_with('.') || path.find("/.") != std::string_view::npos; }

// The path up to the last folder without a wildcard.
std::string folder_of(const std::string& pattern) {
  const size_t wildcard = std::min(pattern.find_first_of(kWildcards), pattern.size());
  const size_t slash = pattern.rfind('/', wildcard);
  return slash == std::string::npos ? "" : pattern.substr(0, slash);
}

std::vector<std::string> list(io::HubPath folder) {
  const log::Wait wait("the list of files of " + folder.url());
  return io::list_hub_files(folder);
}

// Megatron's `.idx` of a `.bin`, and no file of its own.
bool is_index(const std::vector<std::string>& sorted, const std::string& path) {
  return path.ends_with(".idx") &&
         std::ranges::binary_search(sorted, std::filesystem::path(path).replace_extension(".bin").string());
}

std::vector<std::string> files_of_folder(const io::HubPath& folder) {
  const std::vector<std::string> all = list(folder);
  std::vector<std::string> files, others;
  for (const std::string& path : all) {
    const std::string below = folder.path.empty() ? path : path.substr(std::min(path.size(), folder.path.size() + 1));
    if (is_hidden(below) || is_index(all, path)) continue;
    (kind_of(path) ? files : others).push_back(kind_of(path) ? path : below);
  }
  tell_passed_over(folder.url(), std::move(others));
  return files;
}

std::vector<std::string> files_like(const io::HubPath& pattern) {
  io::HubPath folder = pattern;
  folder.path = folder_of(pattern.path);
  std::vector<std::string> all = list(folder);
  std::vector<std::string> files;
  std::ranges::copy_if(all, std::back_inserter(files),
                       [&](const std::string& path) { return is_like(path, pattern.path) && !is_index(all, path); });
  return files;
}

}  // namespace

bool is_like(std::string_view path, std::string_view pattern) {
  const size_t path_end = std::min(path.find('/'), path.size());
  const size_t pattern_end = std::min(pattern.find('/'), pattern.size());
  const std::string_view name = path.substr(0, path_end), form = pattern.substr(0, pattern_end);
  const bool is_last = path_end == path.size();
  if (form == "**" && pattern_end < pattern.size()) {
    if (is_like(path, pattern.substr(pattern_end + 1))) return true;
    return !is_last && !name.starts_with('.') && is_like(path.substr(path_end + 1), pattern);
  }
  if (fnmatch(std::string(form).c_str(), std::string(name).c_str(), FNM_PERIOD | FNM_NOESCAPE) != 0) return false;
  if (is_last || pattern_end == pattern.size()) return is_last && pattern_end == pattern.size();
  return is_like(path.substr(path_end + 1), pattern.substr(pattern_end + 1));
}

void tell_passed_over(const std::string& folder, std::vector<std::string> files) {
  constexpr size_t kShown = 3;
  if (files.empty()) return;
  std::ranges::sort(files);
  const bool are_more = files.size() > kShown;
  const size_t count = files.size();
  files.resize(std::min(count, kShown));
  log::warn(str(folder, ": passed over ", count, count == 1 ? " file that is" : " files that are", " none of ",
                kFileKinds, ": ", join(files, ", "), are_more ? ", ..." : ""));
}

std::vector<std::string> hub_files_like(const std::string& pattern) {
  const io::HubPath named = io::parse_hub_url(pattern);
  const bool has_wildcards = named.path.find_first_of(kWildcards) != std::string::npos;
  if (!has_wildcards && kind_of(named.path)) return {named.url()};
  std::vector<std::string> urls;
  for (const std::string& path : has_wildcards ? files_like(named) : files_of_folder(named)) {
    io::HubPath file = named;
    file.path = path;
    urls.push_back(file.url());
  }
  if (urls.empty()) throw UsageError(str("no file on the hub matches \"", pattern, "\""));
  return urls;
}

}  // namespace strata::data
