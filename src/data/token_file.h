#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

namespace strata::data {

// Files of ids that other programs wrote, which are read as they lie. Numbers are little-endian.
//
// llm.c, `x.bin`: 256 numbers i32, the first three a magic, a version and the number of ids; then the ids.
//   GPT-2:    magic 20240520, version 1, ids u16; a document begins with 50256
//   Llama 3:  magic 20240801, version 7, ids u32; a document begins with 128000
// Megatron, `x.bin` the ids of all sequences, end to end, and `x.idx`:
//   "MMIDIDX" 00 00   version u64 (1)   type of the ids u8   sequences u64   indices u64
//   length i32 of each sequence, in ids; its place i64, in bytes
//   indices i64: the sequence that each document begins with, rising from 0; the number of sequences may follow

/// Where ids and documents lie in a file of ids.
struct TokenFile {
  size_t ids_at = 0;              // bytes from the file's beginning
  int id_width = 0;               // bytes: 1, 2, 4 or 8
  std::vector<uint64_t> offsets;  // where each document begins, in ids, then where the last ends; none is empty
};

/// Whether its beginning, or an `.idx` beside it, says that it is one.
bool is_token_file(const std::filesystem::path& path);

/// Whether the bytes of a file begin as llm.c's do, so that it needs no `.idx`.
bool has_own_header(std::string_view bytes);

/// The `.idx` of a `.bin`.
std::filesystem::path index_of(std::filesystem::path path);

/// `bytes`: of the file at `path`. Checks every length and place, and in one pass that every id is below `vocab_size`.
/// Throws Error, naming the file that is wrong.
TokenFile read_token_file(const std::filesystem::path& path, std::string_view bytes, int64_t vocab_size);

/// The same of llm.c's.
TokenFile read_llm_c(const std::filesystem::path& path, std::string_view bytes, int64_t vocab_size);

/// The same of Megatron's, with the bytes of the index.
TokenFile read_megatron(const std::filesystem::path& path, std::string_view bytes, std::string_view index,
                        int64_t vocab_size);

}  // namespace strata::data
