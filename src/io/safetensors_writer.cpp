#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "io/safetensors_format.h"
#include "strata/base/check.h"
#include "strata/io/file.h"
#include "strata/io/safetensors.h"

namespace strata::io {
namespace {

using nlohmann::json;

std::string_view dtype_name(at::ScalarType dtype, const std::string& where) {
  const auto* const found =
      std::find_if(kDtypes.begin(), kDtypes.end(), [&](const auto& known) { return known.second == dtype; });
  STRATA_CHECK(found != kDtypes.end(), where, "safetensors has no dtype for ", c10::toString(dtype));
  return found->first;
}

json header_of(const NamedTensors& tensors, const std::map<std::string, std::string>& metadata,
               const std::string& path) {
  json header = json::object();
  if (!metadata.empty()) header[std::string(kMetadataKey)] = metadata;
  size_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const std::string where = str("cannot write ", path, ": tensor \"", name, "\": ");
    STRATA_CHECK(tensor.defined() && tensor.is_contiguous(), where, "it is not contiguous");
    STRATA_CHECK(name != kMetadataKey, where, "this name is the format's own");
    STRATA_CHECK(!header.contains(name), where, "the name occurs twice");
    const size_t end = offset + tensor.nbytes();
    header[name] = {{"dtype", dtype_name(tensor.scalar_type(), where)},
                    {"shape", tensor.sizes().vec()},
                    {"data_offsets", {offset, end}}};
    offset = end;
  }
  return header;
}

// With its length before it, and padded so that the data is aligned.
std::string encoded(const json& header, const std::string& path) try {
  std::string text = header.dump();
  text.resize((text.size() + kLengthBytes - 1) / kLengthBytes * kLengthBytes, ' ');
  STRATA_CHECK(text.size() <= kLongestHeader, "cannot write ", path, ": a header of ", text.size(), " bytes (at most ",
               kLongestHeader, ")");
  const uint64_t length = text.size();
  std::string result(kLengthBytes, '\0');
  std::memcpy(result.data(), &length, kLengthBytes);
  return result + text;
} catch (const json::type_error& failure) {
  throw Error(str("cannot write ", path, ": a name or the metadata is not UTF-8: ", failure.what()));
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::string header = encoded(header_of(tensors, metadata, path.string()), path.string());
  write_atomically(path, [&](AtomicFile& file) {
    file.write(header);
    for (const auto& [name, tensor] : tensors) {
      const at::Tensor on_host = tensor.cpu();
      file.write({static_cast<const char*>(on_host.const_data_ptr()), on_host.nbytes()});
    }
  });
}

}  // namespace strata::io
