#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strata/io/file.h"

namespace strata::data {

// A token shard is a file of tokenized documents, each whole and ending in </s>. Numbers are little-endian.
//
//   "STRATOKS"   version u32   id width u32 (2 or 4 bytes)
//   ids of all documents, end to end; zeros up to a multiple of 8 bytes
//   documents + 1 offsets u64: where each document begins, in ids; the last is the number of ids
//   tokenizer fingerprint u64   vocabulary size u64   documents u64   ids u64   XXH3 of everything before it u64

/// Writes a token shard, which appears at `path` whole or not at all.
class TokenShardWriter {
 public:
  TokenShardWriter(const std::filesystem::path& path, uint64_t tokenizer_fingerprint, int64_t vocab_size);
  ~TokenShardWriter();

  /// `ids`: of one document, within the vocabulary, not empty.
  void add(std::span<const int32_t> ids);

  /// Gives the file its name. To be called once, after the last document.
  void commit();

 private:
  struct Hash;

  void write(std::string_view bytes);
  void flush();

  io::AtomicFile file_;
  std::unique_ptr<Hash> hash_;
  uint64_t fingerprint_;
  int64_t vocab_size_;
  std::vector<uint64_t> offsets_{0};
  std::string buffer_;
};

/// What is known of a token shard without its file.
struct ShardCounts {
  int64_t documents = 0;
  int64_t tokens = 0;
  int64_t bytes = 0;  // of the file

  bool operator==(const ShardCounts&) const = default;
};

/// A token shard, mapped. Everything in it was checked when it was opened.
class TokenShard {
 public:
  /// Throws Error, naming the file, for one that is cut, damaged, of another version, or not a token shard.
  explicit TokenShard(const std::filesystem::path& path);

  /// A file of ids that llm.c or Megatron wrote, as it lies; every id is checked to be below `vocab_size` in one pass.
  /// A document of llm.c's begins with its delimiter; one of Megatron's is what its index says. Throws Error, naming
  /// the file.
  TokenShard(const std::filesystem::path& path, int64_t vocab_size);

  /// The checksum at the end of a shard's file, which tells its tokens apart from others'; the file is not verified.
  static uint64_t checksum_of(const std::filesystem::path& path);

  int64_t num_documents() const { return static_cast<int64_t>(offsets_.size()) - 1; }
  int64_t num_tokens() const { return static_cast<int64_t>(offsets_.back()); }
  ShardCounts counts() const { return {num_documents(), num_tokens(), static_cast<int64_t>(file_.size())}; }
  /// 0 of a file that llm.c or Megatron wrote.
  uint64_t tokenizer_fingerprint() const { return fingerprint_; }
  /// Whether a document that is cut ends in the tokenizer's </s> all the same.
  bool has_ends() const { return found_offsets_.empty(); }
  int64_t vocab_size() const { return vocab_size_; }

  /// Where document `index` begins, in ids; `begin(num_documents())` is the end of the last.
  int64_t begin(int64_t index) const { return static_cast<int64_t>(offsets_[index]); }

  /// The document that id number `position` belongs to.
  int64_t document_at(int64_t position) const;

  /// Ids [begin, end) of the shard, over the borders of documents.
  std::vector<int64_t> ids(int64_t begin, int64_t end) const;

  /// All ids of a document, the final </s> included where it has one.
  std::vector<int64_t> document(int64_t index) const { return ids(begin(index), begin(index + 1)); }

 private:
  io::MappedFile file_;
  std::vector<uint64_t> found_offsets_;  // of a file that has none as they are needed
  std::span<const uint64_t> offsets_;
  const char* ids_ = nullptr;
  int id_width_ = 0;  // bytes
  uint64_t fingerprint_ = 0;
  int64_t vocab_size_ = 0;
};

}  // namespace strata::data
