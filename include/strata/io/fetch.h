#pragma once

#include <chrono>
#include <filesystem>
#include <stop_token>
#include <string>

namespace strata::io {

/// http, https, file, and hf (hub.h).
bool is_url(const std::string& text);

struct FetchOptions {
  int attempts = 8;                             // that may fail one after another without a byte gained, or be wrong
  std::chrono::milliseconds first_wait{1'000};  // after a failure; doubles with each, up to a minute
};

/// Downloads `url` to `path`, which appears whole or not at all; false if `stop` came first.
///
/// It grows in `<path>.part`, where a later call goes on if the server's file is still the same (by its ETag). Where
/// the server gives its file's size or a digest of it (digest.h), the whole file is checked before it appears. Lost
/// connections, short bodies, files that are not what the server says, 408, 429 and 5xx are tried again, not before the
/// server's Retry-After; any other answer and a disk that cannot be written throw Error, naming the URL, at once. One
/// call at a time for a path.
bool fetch(const std::string& url, const std::filesystem::path& path, const FetchOptions& options = {},
           const std::stop_token& stop = {});

}  // namespace strata::io
