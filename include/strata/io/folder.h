#pragma once

#include <filesystem>
#include <string>

#include "strata/base/log.h"

namespace strata::io {

/// A folder that appears at `path` whole, or not at all: it is filled under a temporary name beside it.
class AtomicFolder {
 public:
  /// Makes the temporary folder, and the folders above it. A folder at `path` that has something in it is only replaced
  /// where `replace` says so and it holds files alone, `mark` among them. Throws Error, naming the path, for anything
  /// else that is there.
  AtomicFolder(std::filesystem::path path, const std::string& mark, bool replace);
  /// Without commit(): nothing remains.
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  /// Where its files are to be written.
  const std::filesystem::path& temporary() const { return temporary_; }

  /// Gives it its name, and removes what it replaces. To be called once, after the last file.
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  log::LastWords last_words_;
};

}  // namespace strata::io
