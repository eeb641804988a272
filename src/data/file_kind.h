#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include "strata/io/byte_stream.h"

namespace strata::data {

enum class FileKind { kJsonLines, kText, kCsv, kTsv, kParquet, kTokens };

/// For messages about files of no kind.
constexpr std::string_view kFileKinds = ".json .jsonl .txt .csv .tsv (each also .gz, .zst) .parquet .bin";

/// By the name's ending (that of compression set aside); nothing for a file that holds no documents.
inline std::optional<FileKind> kind_of(std::filesystem::path path) {
  if (path.extension() == ".parquet") return FileKind::kParquet;
  if (path.extension() == ".bin") return FileKind::kTokens;
  path = io::without_compression(std::move(path));
  if (path.extension() == ".json" || path.extension() == ".jsonl") return FileKind::kJsonLines;
  if (path.extension() == ".txt") return FileKind::kText;
  if (path.extension() == ".csv") return FileKind::kCsv;
  if (path.extension() == ".tsv") return FileKind::kTsv;
  return std::nullopt;
}

}  // namespace strata::data
