#pragma once

#include <string>

namespace strata::test {

/// `content` as one gzip member.
std::string gzip(const std::string& content);
/// `content` as one zstd frame, with a checksum.
std::string zstd(const std::string& content);

}  // namespace strata::test
