#include "strata/io/torch_file.h"

#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <memory>

#include "strata/base/check.h"
#include "strata/io/state_dict.h"
#include "strata/io/zip.h"

namespace strata::io {
namespace {

constexpr int64_t kMostPickle = int64_t{1} << 30;

// Everything in the archive lies in one folder, whatever it is called.
std::string folder_in(const ZipReader& archive, const std::string& path) {
  constexpr std::string_view kPickle = "data.pkl";
  for (const std::string& name : archive.names()) {
    const size_t slash = name.find('/');
    if (slash != std::string::npos && name.substr(slash + 1) == kPickle) return name.substr(0, slash + 1);
  }
  throw Error(path + ": is no state dict of torch.save (no data.pkl in it)");
}

// The values of a tensor, which keep the storage's bytes alive.
at::Tensor tensor_in(const ZipReader& archive, const std::string& file, const StoredTensor& stored,
                     const std::string& path) {
  const auto element = static_cast<int64_t>(c10::elementSize(stored.dtype));
  const int64_t bytes = stored.storage_size * element;
  const auto storage = std::make_shared<std::string>(archive.read(file, bytes));
  STRATA_CHECK(std::ssize(*storage) == bytes, path, ": ", file, " has ", storage->size(), " bytes, ", stored.name,
               " needs ", bytes);
  const at::Tensor whole = at::from_blob(
      storage->data(), {stored.storage_size}, [storage](void*) {}, at::TensorOptions(stored.dtype));
  return whole.as_strided(stored.shape, stored.strides, stored.offset).clone(at::MemoryFormat::Contiguous);
}

}  // namespace

std::vector<TensorPlan> open_torch_file(const std::filesystem::path& path) {
  const std::string shown = path.string();
  const auto archive = std::make_shared<const ZipReader>(path);
  const std::string folder = folder_in(*archive, shown);
  const auto has = [&](const std::string& name) { return std::ranges::count(archive->names(), folder + name) > 0; };
  STRATA_CHECK(!has("byteorder") || archive->read(folder + "byteorder", 64) == "little", shown,
               ": its numbers are not little-endian");
  std::vector<TensorPlan> plans;
  for (const StoredTensor& stored : read_state_dict(archive->read(folder + "data.pkl", kMostPickle), shown)) {
    const std::string file = folder + "data/" + stored.storage;
    STRATA_CHECK(has("data/" + stored.storage), shown, ": has no ", file, ", where ", stored.name, " is said to be");
    plans.push_back({stored.name, stored.dtype, stored.shape,
                     [archive, file, stored, shown] { return tensor_in(*archive, file, stored, shown); }});
  }
  return plans;
}

}  // namespace strata::io
