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

std::string where_of(const std::string& path, const std::string& name) {
  return str("cannot write ", path, ": tensor \"", name, "\": ");
}

json header_of(const std::vector<TensorPlan>& plans, const std::map<std::string, std::string>& metadata,
               const std::string& path) {
  json header = json::object();
  if (!metadata.empty()) header[std::string(kMetadataKey)] = metadata;
  size_t offset = 0;
  for (const TensorPlan& plan : plans) {
    const std::string where = where_of(path, plan.name);
    STRATA_CHECK(plan.name != kMetadataKey, where, "this name is the format's own");
    STRATA_CHECK(!header.contains(plan.name), where, "the name occurs twice");
    const size_t end = offset + plan.bytes();
    header[plan.name] = {
        {"dtype", dtype_name(plan.dtype, where)}, {"shape", plan.shape}, {"data_offsets", {offset, end}}};
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

size_t TensorPlan::bytes() const {
  size_t bytes = c10::elementSize(dtype);
  for (const int64_t length : shape) bytes *= static_cast<size_t>(length);
  return bytes;
}

void write_safetensors(const std::filesystem::path& path, const std::vector<TensorPlan>& plans,
                       const std::map<std::string, std::string>& metadata) {
  const std::string header = encoded(header_of(plans, metadata, path.string()), path.string());
  write_atomically(path, [&](AtomicFile& file) {
    file.write(header);
    for (const TensorPlan& plan : plans) {
      const at::Tensor on_host = plan.make().cpu();
      STRATA_ASSERT(on_host.is_contiguous() && on_host.scalar_type() == plan.dtype && on_host.sizes() == plan.shape);
      file.write({static_cast<const char*>(on_host.const_data_ptr()), on_host.nbytes()});
    }
  });
}

void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<TensorPlan> plans;
  for (const auto& [name, tensor] : tensors) {
    STRATA_ASSERT(tensor.defined());
    plans.push_back(
        {name, tensor.scalar_type(), tensor.sizes().vec(), [&tensor = tensor] { return tensor.contiguous(); }});
  }
  write_safetensors(path, plans, metadata);
}

}  // namespace strata::io
