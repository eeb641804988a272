#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "strata/io/safetensors.h"

namespace strata::io {

/// Tensors by name, out of one safetensors file or out of several that belong together: where a model's weights come
/// from. Copies share the mappings.
class TensorFiles {
 public:
  /// Throws Error as SafetensorsFile::open does, and for a tensor that two files have.
  explicit TensorFiles(const std::vector<std::filesystem::path>& files);
  explicit TensorFiles(const std::filesystem::path& file) : TensorFiles(std::vector{file}) {}

  /// The same tensors under other names, {new name: name here}: what is not named is left out, and a tensor may have
  /// several names. Throws Error for a name that is not here.
  TensorFiles under(const std::map<std::string, std::string>& names) const;

  /// File by file, in the order of their data; sorted where names were given.
  const std::vector<std::string>& names() const { return names_; }
  bool contains(const std::string& name) const { return places_.contains(name); }

  /// All three throw Error, with the nearest name, if there is no such tensor.
  const TensorInfo& info(const std::string& name) const;
  at::Tensor tensor(const std::string& name) const;  // as SafetensorsFile::tensor
  const std::filesystem::path& file_of(const std::string& name) const;

  const std::vector<std::filesystem::path>& files() const { return paths_; }
  /// For messages: the file, or the first and how many there are besides.
  std::string shown() const;
  /// As io::checksum, of a file; of several, of their checksums.
  uint64_t checksum() const;
  /// As MappedFile::release_pages.
  void release_pages() const;

 private:
  struct Place {
    size_t file = 0;
    std::string name;  // in that file
  };
  const Place& place_of(const std::string& name) const;

  std::vector<std::filesystem::path> paths_;
  std::vector<SafetensorsFile> files_;
  std::map<std::string, Place> places_;
  std::vector<std::string> names_;
};

}  // namespace strata::io
