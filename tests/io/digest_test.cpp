#include "strata/io/digest.h"

#include "strata/base/check.h"
#include "support/temp_folder.h"

namespace strata::io {
namespace {

// Of "abc", from RFC 1321 and FIPS 180-4.
const std::string kMd5 = "900150983cd24fb0d6963f7d28e17f72";
const std::string kSha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const std::string kSha512 =
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
const std::string kSha256Base64 = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
const std::string kSha512Base64 =
    "3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==";

TEST(Digest, OfAFile) {
  const strata::test::TempFolder folder;
  strata::test::write_file(folder / "abc", "abc");
  EXPECT_EQ(digest_of_file(folder / "abc", "md5"), (Digest{"md5", kMd5}));
  EXPECT_EQ(digest_of_file(folder / "abc", "sha256"), (Digest{"sha256", kSha256}));
  EXPECT_EQ(digest_of_file(folder / "abc", "sha512"), (Digest{"sha512", kSha512}));
  EXPECT_THROW(digest_of_file(folder / "none", "md5"), Error);
}

TEST(Digest, InTheFormsThatServersGive) {
  const Digest sha256{"sha256", kSha256};
  EXPECT_EQ(parse_digest("Repr-Digest", "sha-256=:" + kSha256Base64 + ":"), sha256);
  EXPECT_EQ(parse_digest("repr-digest", "crc32c=:AAAA:,sha-256=:" + kSha256Base64 + ":"), sha256);
  EXPECT_EQ(parse_digest("Repr-Digest", "sha-512=:" + kSha512Base64 + ":"), (Digest{"sha512", kSha512}));
  EXPECT_EQ(parse_digest("Digest", "SHA-256=" + kSha256Base64), sha256);
  EXPECT_EQ(parse_digest("Content-MD5", "kAFQmDzST7DWlj99KOF/cg=="), (Digest{"md5", kMd5}));
  EXPECT_EQ(parse_digest("X-Linked-ETag", "\"" + kSha256 + "\""), sha256);
}

TEST(Digest, WhatIsNoneIsNone) {
  EXPECT_EQ(parse_digest("X-Linked-ETag", "\"8b137891791fe96927ad78e64b0aad7bded08bdc\""), std::nullopt);
  EXPECT_EQ(parse_digest("X-Linked-ETag", std::string(64, 'g')), std::nullopt);
  for (const std::string value :
       {"", "=", ",", "sha-256", "sha-256=", "sha-256=::", "sha-256=:AAAA:", "unknown=:AAAA:"}) {
    EXPECT_EQ(parse_digest("Repr-Digest", value), std::nullopt) << value;
  }
  EXPECT_EQ(parse_digest("Digest", "SHA-256=" + kSha256Base64.substr(1) + "?"), std::nullopt);
  EXPECT_EQ(parse_digest("Content-MD5", ""), std::nullopt);
}

}  // namespace
}  // namespace strata::io
