#pragma once

#include <filesystem>
#include <optional>

namespace strata::data {

enum class FileKind { kJsonLines, kText };

/// By the name's ending (`.gz` set aside); nothing for a file that holds no documents.
inline std::optional<FileKind> kind_of(std::filesystem::path path) {
  if (path.extension() == ".gz") path.replace_extension();
  if (path.extension() == ".json" || path.extension() == ".jsonl") return FileKind::kJsonLines;
  if (path.extension() == ".txt") return FileKind::kText;
  return std::nullopt;
}

}  // namespace strata::data
