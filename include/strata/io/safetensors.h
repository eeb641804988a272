#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace strata::io {

class MappedFile;

/// One tensor of a safetensors file; [begin, end) are its bytes in the file.
struct TensorInfo {
  at::ScalarType dtype = at::kFloat;
  std::vector<int64_t> shape = {};
  size_t begin = 0;
  size_t end = 0;
};

/// A safetensors file, mapped. All of its header has been checked by the time open() returns.
class SafetensorsFile {
 public:
  /// Throws Error, naming the path and the tensor, for whatever breaks the format or is of another dtype than
  /// F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL.
  static SafetensorsFile open(const std::filesystem::path& path);

  /// In the order of their data.
  const std::vector<std::string>& names() const { return names_; }
  bool contains(const std::string& name) const { return infos_.contains(name); }

  /// Throws Error if there is no such tensor, with the nearest name.
  const TensorInfo& info(const std::string& name) const;

  /// The tensor in the mapping itself, which it keeps alive: reading only, a write is a segmentation fault.
  /// Data that is not aligned for its dtype is copied.
  at::Tensor tensor(const std::string& name) const;

  /// As MappedFile::release_pages.
  void release_pages() const;

  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  SafetensorsFile() = default;

  std::filesystem::path path_;
  std::shared_ptr<const MappedFile> file_;
  std::map<std::string, TensorInfo> infos_;
  std::vector<std::string> names_;
  std::map<std::string, std::string> metadata_;
};

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

/// Writes atomically; the data in the order given, straight from the tensors' memory, begins at a multiple of 8 bytes.
/// Equal arguments give equal bytes. Tensors must be on the CPU and of a dtype named above; any strides.
/// Throws Error for any other tensor, for a name that occurs twice and if the file cannot be written.
void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata = {});

/// A tensor that is made when its turn to be written comes, and let go of after.
struct TensorPlan {
  std::string name;
  at::ScalarType dtype = at::kFloat;
  std::vector<int64_t> shape = {};
  std::function<at::Tensor()> make = {};

  size_t bytes() const;
};

/// The same file from tensors that need not all be in memory at once.
void write_safetensors(const std::filesystem::path& path, const std::vector<TensorPlan>& plans,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace strata::io
