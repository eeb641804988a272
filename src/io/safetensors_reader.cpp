#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <tuple>

#include "io/safetensors_format.h"
#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/io/file.h"
#include "strata/io/json.h"
#include "strata/io/safetensors.h"

namespace strata::io {
namespace {

using nlohmann::json;

constexpr size_t kMostDimensions = 64;  // more than that many of libtorch's operators refuse

// The header's text, checked to lie within the file.
std::string_view header_text(std::string_view file, const std::string& path) {
  STRATA_CHECK(file.size() >= kLengthBytes, path, ": truncated: ", file.size(),
               " bytes, a safetensors file has at least ", kLengthBytes);
  STRATA_CHECK(!file.starts_with("version https://git-lfs"), path,
               ": is a pointer of Git LFS, not the file itself; git lfs pull fetches it");
  uint64_t length = 0;
  std::memcpy(&length, file.data(), kLengthBytes);
  STRATA_CHECK(length <= kLongestHeader, path, ": not a safetensors file: a header of ", length, " bytes (at most ",
               kLongestHeader, ")");
  STRATA_CHECK(length <= file.size() - kLengthBytes, path, ": truncated: a header of ", length, " bytes in a file of ",
               file.size());
  const std::string_view text = file.substr(kLengthBytes, length);
  STRATA_CHECK(text.starts_with('{'), path, ": not a safetensors file: the header does not begin with '{'");
  return text;
}

size_t product(size_t a, size_t b, const std::string& where) {
  size_t result = 0;
  STRATA_CHECK(!__builtin_mul_overflow(a, b, &result) && result <= std::numeric_limits<int64_t>::max(), where,
               "the shape overflows 64 bits");
  return result;
}

const json& member(const json& entry, const char* key, const std::string& where) {
  const auto found = entry.find(key);
  STRATA_CHECK(found != entry.end(), where, "no \"", key, "\"");
  return *found;
}

size_t count(const json& value, const char* what, const std::string& where) {
  STRATA_CHECK(value.is_number_unsigned() && value.get<uint64_t>() <= std::numeric_limits<int64_t>::max(), where, what,
               " ", value.dump(), " is not a count");
  return value.get<size_t>();
}

at::ScalarType parse_dtype(const json& value, const std::string& where) {
  STRATA_CHECK(value.is_string(), where, "dtype ", value.dump(), " is not a string");
  const auto& name = value.get_ref<const std::string&>();
  const auto* const found =
      std::find_if(kDtypes.begin(), kDtypes.end(), [&](const auto& known) { return known.first == name; });
  STRATA_CHECK(found != kDtypes.end(), where, "unknown dtype \"", name, "\"");
  return found->second;
}

std::vector<int64_t> parse_shape(const json& value, const std::string& where) {
  STRATA_CHECK(value.is_array(), where, "shape ", value.dump(), " is not a list");
  STRATA_CHECK(value.size() <= kMostDimensions, where, value.size(), " dimensions (at most ", kMostDimensions, ")");
  std::vector<int64_t> shape;
  for (const json& length : value) shape.push_back(static_cast<int64_t>(count(length, "length", where)));
  return shape;
}

// No product of lengths overflows: a tensor's strides are such products, those of a tensor without elements too.
size_t checked_bytes(const TensorInfo& info, const std::string& where) {
  size_t bytes = c10::elementSize(info.dtype);
  for (const int64_t length : info.shape) bytes = product(bytes, std::max<size_t>(length, 1), where);
  return std::ranges::count(info.shape, 0) > 0 ? 0 : bytes;
}

// Offsets as the header has them: from the start of the data.
TensorInfo parse_info(const json& entry, size_t data_size, const std::string& where) {
  STRATA_CHECK(entry.is_object(), where, "not an object");
  TensorInfo info{.dtype = parse_dtype(member(entry, "dtype", where), where)};
  const json& shape = member(entry, "shape", where);
  const json& offsets = member(entry, "data_offsets", where);
  STRATA_CHECK(entry.size() == 3, where, "keys other than dtype, shape, data_offsets");
  info.shape = parse_shape(shape, where);
  const size_t bytes = checked_bytes(info, where);
  STRATA_CHECK(offsets.is_array() && offsets.size() == 2, where, "data_offsets ", offsets.dump(),
               " are not two numbers");
  info.begin = count(offsets[0], "offset", where);
  info.end = count(offsets[1], "offset", where);
  STRATA_CHECK(info.begin <= info.end, where, "data_offsets ", offsets.dump(), " are reversed");
  STRATA_CHECK(info.end <= data_size, where, "truncated: data_offsets ", offsets.dump(), " in ", data_size,
               " bytes of data");
  STRATA_CHECK(info.end - info.begin == bytes, where, "data_offsets ", offsets.dump(), " hold ", info.end - info.begin,
               " bytes, dtype and shape need ", bytes);
  return info;
}

std::map<std::string, std::string> parse_metadata(const json& value, const std::string& path) {
  const std::string where = str(path, ": ", kMetadataKey, ": ");
  STRATA_CHECK(value.is_object(), where, "not an object");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, text] : value.items()) {
    STRATA_CHECK(text.is_string(), where, "\"", key, "\" is not a string");
    metadata[key] = text.get<std::string>();
  }
  return metadata;
}

// The names in the order of their data, which they must cover exactly.
std::vector<std::string> ordered_names(const std::map<std::string, TensorInfo>& infos, size_t data_size,
                                       const std::string& path) {
  std::vector<const std::pair<const std::string, TensorInfo>*> order;
  for (const auto& item : infos) order.push_back(&item);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return std::tie(a->second.begin, a->second.end, a->first) < std::tie(b->second.begin, b->second.end, b->first);
  });
  std::vector<std::string> names;
  size_t covered = 0;
  for (const auto* item : order) {
    const auto& [name, info] = *item;
    STRATA_CHECK(info.begin >= covered, path, ": tensor \"", name, "\": overlaps \"", names.back(), "\"");
    STRATA_CHECK(info.begin == covered, path, ": tensor \"", name, "\": a hole of ", info.begin - covered,
                 " bytes before it");
    covered = info.end;
    names.push_back(name);
  }
  STRATA_CHECK(covered == data_size, path, ": ", data_size - covered, " bytes behind the last tensor");
  return names;
}

}  // namespace

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& path) {
  SafetensorsFile result;
  result.path_ = path;
  result.file_ = std::make_shared<const MappedFile>(path);
  const std::string shown = path.string();
  const std::string_view text = header_text(result.file_->view(), shown);
  const size_t data_start = kLengthBytes + text.size();
  const size_t data_size = result.file_->size() - data_start;
  const json header = parse_json(text, str(shown, ": header"));
  for (const auto& [name, entry] : header.items()) {
    if (name == kMetadataKey) {
      result.metadata_ = parse_metadata(entry, shown);
    } else {
      result.infos_[name] = parse_info(entry, data_size, str(shown, ": tensor \"", name, "\": "));
    }
  }
  result.names_ = ordered_names(result.infos_, data_size, shown);
  for (auto& [name, info] : result.infos_) {
    info.begin += data_start;
    info.end += data_start;
  }
  return result;
}

void SafetensorsFile::release_pages() const { file_->release_pages(); }

const TensorInfo& SafetensorsFile::info(const std::string& name) const {
  const auto found = infos_.find(name);
  STRATA_CHECK(found != infos_.end(), path_.string(), ": no tensor \"", name, "\"", did_you_mean(name, names_));
  return found->second;
}

at::Tensor SafetensorsFile::tensor(const std::string& name) const {
  const TensorInfo& found = info(name);
  const char* data = file_->data() + found.begin;
  const size_t size = found.end - found.begin;
  if (found.dtype == at::kBool) {
    STRATA_CHECK(std::all_of(data, data + size, [](char byte) { return byte == 0 || byte == 1; }), path_.string(),
                 ": tensor \"", name, "\": a BOOL that is neither 0 nor 1");
  }
  const auto options = at::TensorOptions(found.dtype);
  if (size > 0 && reinterpret_cast<uintptr_t>(data) % c10::elementSize(found.dtype) == 0) {
    return at::from_blob(
        const_cast<char*>(data), found.shape, [file = file_](void*) {}, options);
  }
  at::Tensor copy = at::empty(found.shape, options);
  if (size > 0) std::memcpy(copy.mutable_data_ptr(), data, size);
  return copy;
}

}  // namespace strata::io
