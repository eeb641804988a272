#include "strata/io/hub.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "hub_request.h"
#include "strata/base/check.h"
#include "strata/io/file.h"
#include "strata/io/json.h"

namespace strata::io {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kScheme = "hf://";
constexpr std::string_view kDatasets = "datasets/";
constexpr long kUnauthorized = 401, kForbidden = 403, kNotFound = 404;
constexpr std::string_view kSpaces = " \t\r\n";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(kSpaces);
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(kSpaces) + 1 - begin);
}

bool is_web(std::string_view url) { return url.starts_with("https://") || url.starts_with("http://"); }

std::string endpoint() {
  std::string named = trimmed(environment("HF_ENDPOINT"));
  while (named.ends_with('/')) named.pop_back();
  if (named.empty()) return "https://huggingface.co";
  if (!is_web(named)) throw UsageError(str("HF_ENDPOINT=", named, " does not begin with https:// (or http://)"));
  return named;
}

fs::path token_file() {
  if (const std::string named = environment("HF_TOKEN_PATH"); !named.empty()) return named;
  if (const std::string home = environment("HF_HOME"); !home.empty()) return fs::path(home) / "token";
  if (const std::string cache = environment("XDG_CACHE_HOME"); !cache.empty())
    return fs::path(cache) / "huggingface/token";
  return fs::path(environment("HOME")) / ".cache/huggingface/token";
}

// Of no use but in a header: spaces and control characters would end it.
std::string checked_token(const std::string& text, const std::string& from) {
  const std::string token = trimmed(text);
  const bool is_plain = std::ranges::all_of(token, [](char c) { return c > ' ' && c < '\x7f'; });
  STRATA_CHECK(is_plain, from, ": is no token: it has other characters in it than a token has");
  return token;
}

std::string token() {
  for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}) {
    if (std::string given = checked_token(environment(name), name); !given.empty()) return given;
  }
  const fs::path file = token_file();
  std::error_code failure;
  return fs::is_regular_file(file, failure) ? checked_token(read_text(file), file.string()) : "";
}

// A request to the hub, and nobody else, has the token.
HttpRequest request_to(std::string url) {
  const bool is_of_hub = url.starts_with(endpoint() + "/");
  return {.url = std::move(url), .token = is_of_hub ? token() : ""};
}

// Everything but letters, digits and what a URL's path may hold as it is.
std::string escaped(std::string_view path, std::string_view kept) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (const char c : path) {
    const bool is_alphanumeric = ('0' <= c && c <= '9') || ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z');
    if (is_alphanumeric || kept.find(c) != std::string_view::npos) {
      text += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      text += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
    }
  }
  return text;
}

std::string escaped_path(std::string_view path) { return escaped(path, "-._~/"); }
std::string escaped_revision(std::string_view revision) { return escaped(revision, "-._~"); }

std::string listing_url(const HubPath& folder) {
  const std::string url = str(endpoint(), folder.is_dataset ? "/api/datasets/" : "/api/models/",
                              escaped_path(folder.repository), "/tree/", escaped_revision(folder.revision));
  return str(url, folder.path.empty() ? "" : "/", escaped_path(folder.path), "?recursive=true");
}

// How many characters of "refs/convert/parquet/data" are the revision.
size_t length_of_revision(std::string_view text) {
  size_t end = text.find('/');
  if (text.starts_with("refs/convert/") || text.starts_with("refs/pr/"))
    end = text.find('/', text.find('/', end + 1) + 1);
  return std::min(end, text.size());
}

struct Page {
  std::string body = {};
  std::string next = {};
};

// `url`: of a page of the listing of `folder`.
Page get_page(const HubPath& folder, const std::string& url, const FetchOptions& options) {
  constexpr size_t kLargest = size_t{1} << 28;  // bytes
  const HttpRequest request = request_to(url);
  Page page;
  const std::function<void(std::string_view)> take = [&](std::string_view bytes) {
    STRATA_CHECK(page.body.size() + bytes.size() <= kLargest, "cannot list ", folder.url(),
                 ": the listing is too long");
    page.body.append(bytes);
  };
  persist(folder.url(), "cannot list " + folder.url(), options, {}, [&] {
    page = {};
    const std::stop_token never;
    Transfer transfer(request, take, never);
    transfer.perform();
    page.next = next_page(transfer.header("Link").value_or(""));
    return Attempted{.is_done = transfer.is_complete(),
                     .is_worth_another = transfer.is_worth_another(),
                     .server_wait = transfer.server_wait(),
                     .problem = transfer.problem() + explain_answer(folder, request, transfer)};
  });
  return page;
}

}  // namespace

std::string HubPath::url() const {
  const std::string at = revision == HubPath{}.revision ? "" : "@" + revision;
  return str(kScheme, is_dataset ? kDatasets : "", repository, at, path.empty() ? "" : "/", path);
}

bool is_hub_url(std::string_view text) { return text.starts_with(kScheme); }

HubPath parse_hub_url(const std::string& text) {
  std::string_view rest = std::string_view(text).substr(std::min(text.size(), kScheme.size()));
  HubPath parsed{.is_dataset = rest.starts_with(kDatasets)};
  if (parsed.is_dataset) rest.remove_prefix(kDatasets.size());
  const size_t owner_end = rest.find('/');
  const size_t name_end =
      owner_end == std::string_view::npos ? owner_end : std::min(rest.find_first_of("/@", owner_end + 1), rest.size());
  const bool is_named = is_hub_url(text) && owner_end != std::string_view::npos && owner_end > 0 &&
                        name_end > owner_end + 1 && rest.substr(0, owner_end).find('@') == std::string_view::npos;
  if (!is_named) {
    throw UsageError(str("\"", text, "\" names no repository: hf://datasets/OWNER/NAME/PATH, or of a model ",
                         "hf://OWNER/NAME/PATH, each also with NAME@REVISION"));
  }
  parsed.repository = rest.substr(0, name_end);
  rest.remove_prefix(name_end);
  if (rest.starts_with('@')) {
    rest.remove_prefix(1);
    parsed.revision = rest.substr(0, length_of_revision(rest));
    rest.remove_prefix(parsed.revision.size());
    if (parsed.revision.empty() || parsed.revision == "refs" || parsed.revision.ends_with('/')) {
      throw UsageError(str("\"", text, "\" names no revision behind the @: a branch, tag or commit, ",
                           "refs/convert/parquet or refs/pr/N"));
    }
  }
  while (rest.starts_with('/')) rest.remove_prefix(1);
  while (rest.ends_with('/')) rest.remove_suffix(1);
  parsed.path = rest;
  return parsed;
}

std::string next_page(std::string_view link) {
  for (size_t begin = link.find('<'); begin != std::string_view::npos; begin = link.find('<', begin + 1)) {
    const size_t end = link.find('>', begin);
    if (end == std::string_view::npos) break;
    const std::string_view parameters = link.substr(end, link.find(',', end) - end);
    if (parameters.find("rel=\"next\"") != std::string_view::npos)
      return std::string(link.substr(begin + 1, end - begin - 1));
  }
  return "";
}

std::vector<std::string> files_of_listing(std::string_view page, std::string_view source) {
  const nlohmann::json entries = parse_json(page, source);
  STRATA_CHECK(entries.is_array(), source, ": is no listing of files");
  std::vector<std::string> files;
  for (const nlohmann::json& entry : entries) {
    const bool is_entry =
        entry.is_object() && entry.contains("type") && entry.contains("path") && entry["path"].is_string();
    STRATA_CHECK(is_entry, source, ": has an entry without \"type\" and \"path\"");
    if (entry["type"] == "file") files.push_back(entry["path"].get<std::string>());
  }
  return files;
}

std::vector<std::string> list_hub_files(const HubPath& folder, const FetchOptions& options) {
  std::vector<std::string> files;
  std::set<std::string> asked;
  for (std::string url = listing_url(folder); !url.empty();) {
    STRATA_CHECK(is_web(url), "cannot list ", folder.url(), ": its next page is \"", url, "\"");
    STRATA_CHECK(asked.insert(url).second, "cannot list ", folder.url(), ": its pages lead around");
    Page page = get_page(folder, url, options);
    for (std::string& path : files_of_listing(page.body, "the listing of " + folder.url())) {
      const bool is_below = folder.path.empty() || path == folder.path || path.starts_with(folder.path + "/");
      STRATA_CHECK(is_below, "cannot list ", folder.url(), ": the hub lists ", path, ", which is not in it");
      files.push_back(std::move(path));
    }
    url = std::move(page.next);
  }
  std::ranges::sort(files);
  return files;
}

HttpRequest download_request(const HubPath& file) {
  return request_to(str(endpoint(), "/", file.is_dataset ? kDatasets : "", escaped_path(file.repository), "/resolve/",
                        escaped_revision(file.revision), "/", escaped_path(file.path)));
}

std::string explain_answer(const HubPath& path, const HttpRequest& request, const Transfer& answer) {
  const std::string page = str(endpoint(), "/", path.is_dataset ? kDatasets : "", path.repository);
  switch (answer.status()) {
    case kUnauthorized:
    case kForbidden:
      return request.token.empty()
                 ? str(": there is no such repository, or it is private or gated and needs a token in HF_TOKEN (", page,
                       ")")
                 : str(": the token of HF_TOKEN does not open it; a gated one is asked for on ", page);
    case kNotFound:
      return str(": the hub has no such repository, revision or file",
                 request.token.empty() ? ", or it is private and needs a token in HF_TOKEN" : "");
    default:
      return "";
  }
}

}  // namespace strata::io
