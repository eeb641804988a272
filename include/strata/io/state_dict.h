#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata::io {

/// A tensor of a state dict as the pickle in `pytorch_model.bin` describes it: a view of a storage.
struct StoredTensor {
  std::string name;
  std::string storage;  // which of the archive's storages
  at::ScalarType dtype = at::kFloat;
  int64_t storage_size = 0;  // elements, also the next two
  int64_t offset = 0;
  std::vector<int64_t> shape = {};
  std::vector<int64_t> strides = {};
};

/// The state dict in a pickle that torch.save wrote, without running any of it: of pickle's instructions and of the
/// names that they may call it knows those that a state dict of tensors and parameters needs, and refuses all others by
/// name. Every view that it returns lies within its storage. Throws Error, beginning with `where`.
std::vector<StoredTensor> read_state_dict(std::string_view pickle, const std::string& where);

}  // namespace strata::io
