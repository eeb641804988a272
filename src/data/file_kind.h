#pragma once

#include <filesystem>
#include <optional>
#include <utility>

#include "strata/io/byte_stream.h"

namespace strata::data {

enum class FileKind { kJsonLines, kText };

/// By the name's ending (that of compression set aside); nothing for a file that holds no documents.
inline std::optional<FileKind> kind_of(std::filesystem::path path) {
  path = io::without_compression(std::move(path));
  if (path.extension() == ".json" || path.extension() == ".jsonl") return FileKind::kJsonLines;
  if (path.extension() == ".txt") return FileKind::kText;
  return std::nullopt;
}

}  // namespace strata::data
