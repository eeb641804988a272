#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace strata::io {

/// The digest of a whole file.
struct Digest {
  std::string algorithm;  // "sha256", "sha512", "md5"
  std::string hex;        // lower case

  bool operator==(const Digest&) const = default;
};

/// What a field of an HTTP answer says about its file. Known are `Repr-Digest: sha-256=:<base64>:` (RFC 9530, also
/// sha-512), the older `Digest: SHA-256=<base64>`, `Content-MD5: <base64>`, and Hugging Face's
/// `X-Linked-ETag: "<SHA-256 in hex>"`. Nothing for another algorithm and for what is no digest (a git hash).
std::optional<Digest> parse_digest(std::string_view field, std::string_view value);

/// Throws Error if the file cannot be read.
Digest digest_of_file(const std::filesystem::path& path, const std::string& algorithm);

}  // namespace strata::io
