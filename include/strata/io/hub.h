#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "strata/io/fetch.h"

namespace strata::io {

/// A file or folder of a repository on Hugging Face's hub: `hf://datasets/OWNER/NAME/PATH`, `hf://OWNER/NAME/PATH` of a
/// model, each also with `NAME@REVISION`, a branch, tag or commit (`main` unless it is given; the hub's own
/// `refs/convert/parquet` and `refs/pr/N` are written with their slashes).
///
/// The server is https://huggingface.co or what the environment's HF_ENDPOINT names. The token of HF_TOKEN, else of the
/// file that Hugging Face's own programs keep it in (HF_TOKEN_PATH, HF_HOME/token, ~/.cache/huggingface/token), is sent
/// to that server, and to no other that it redirects to.
struct HubPath {
  bool is_dataset = false;
  std::string repository = {};  // OWNER/NAME
  std::string revision = "main";
  std::string path = {};  // without a slash at its ends; empty: the whole repository

  /// Written as it is parsed.
  std::string url() const;

  bool operator==(const HubPath&) const = default;
};

bool is_hub_url(std::string_view text);

/// Throws UsageError, naming the text, where it names no repository.
HubPath parse_hub_url(const std::string& text);

/// The paths of all files below a folder (of the file, where it is one), in the repository, in the order of their
/// names.
///
/// Waits and tries again as `fetch` does. Throws Error, naming the URL: for any other answer, for what is no listing,
/// and where the hub has nothing at the path.
std::vector<std::string> list_hub_files(const HubPath& folder, const FetchOptions& options = {});

/// Of an answer's `Link: <URL>; rel="next", ...`: the URL of the next page; empty where there is none.
std::string next_page(std::string_view link);

/// The paths of the files in a page of a listing, JSON. Throws Error, naming `source`, for what is none.
std::vector<std::string> files_of_listing(std::string_view page, std::string_view source);

}  // namespace strata::io
