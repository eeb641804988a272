#include "strata/io/digest.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <vector>

#include "strata/base/check.h"
#include "strata/io/file.h"

namespace strata::io {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string_view trimmed(std::string_view text, std::string_view what) {
  const size_t begin = text.find_first_not_of(what);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(what) - begin + 1);
}

std::string hex(const std::vector<unsigned char>& bytes) {
  std::string digits;
  for (const unsigned char byte : bytes) {
    digits.push_back("0123456789abcdef"[byte >> 4]);
    digits.push_back("0123456789abcdef"[byte & 15]);
  }
  return digits;
}

size_t size_of(const std::string& algorithm) {
  return static_cast<size_t>(EVP_MD_get_size(EVP_get_digestbyname(algorithm.c_str())));
}

std::optional<Digest> from_base64(const std::string& algorithm, std::string_view text) {
  const std::string_view digits = text.substr(0, text.find('='));
  std::vector<unsigned char> bytes(3 * text.size() / 4 + 3);
  const int size =
      EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  const size_t expected = size_of(algorithm);
  // It counts the bytes that padding stands for.
  if (size < 0 || digits.size() != (8 * expected + 5) / 6 || static_cast<size_t>(size) < expected) return std::nullopt;
  bytes.resize(expected);
  return Digest{algorithm, hex(bytes)};
}

// The first of `sha-512=:…:, sha-256=:…:` that is known.
std::optional<Digest> from_list(std::string_view list) {
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    const size_t equals = item.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string name = lower(trimmed(item.substr(0, equals), " \t"));
    const std::string_view value = trimmed(item.substr(equals + 1), " \t:");
    std::optional<Digest> digest;
    if (name == "sha-256") digest = from_base64("sha256", value);
    if (name == "sha-512") digest = from_base64("sha512", value);
    if (digest) return digest;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Digest> parse_digest(std::string_view field, std::string_view value) {
  const std::string name = lower(field);
  if (name == "repr-digest" || name == "digest") return from_list(value);
  if (name == "content-md5") return from_base64("md5", trimmed(value, " \t"));
  STRATA_ASSERT(name == "x-linked-etag");
  const std::string digits = lower(trimmed(value, " \t\""));
  const bool is_hex = std::ranges::all_of(digits, [](unsigned char c) { return std::isxdigit(c); });
  if (!is_hex || digits.size() != 2 * size_of("sha256")) return std::nullopt;
  return Digest{"sha256", digits};
}

Digest digest_of_file(const std::filesystem::path& path, const std::string& algorithm) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> state(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  bool good = EVP_DigestInit_ex(state.get(), EVP_get_digestbyname(algorithm.c_str()), nullptr) == 1;
  read_pieces(path, [&](std::string_view piece) {
    good = good && EVP_DigestUpdate(state.get(), piece.data(), piece.size()) == 1;
  });
  std::vector<unsigned char> bytes(size_of(algorithm));
  good = good && EVP_DigestFinal_ex(state.get(), bytes.data(), nullptr) == 1;
  STRATA_CHECK(good, "libcrypto cannot compute ", algorithm);
  return {algorithm, hex(bytes)};
}

}  // namespace strata::io
