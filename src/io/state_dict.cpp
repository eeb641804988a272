#include "strata/io/state_dict.h"

#include <algorithm>
#include <array>
#include <limits>
#include <set>

#include "io/pickle_values.h"
#include "strata/base/check.h"

namespace strata::io {
namespace {

using Kind = PickleValue::Kind;

constexpr std::array<std::pair<std::string_view, at::ScalarType>, 10> kStorages{{
    {"torch FloatStorage", at::kFloat},
    {"torch HalfStorage", at::kHalf},
    {"torch BFloat16Storage", at::kBFloat16},
    {"torch DoubleStorage", at::kDouble},
    {"torch LongStorage", at::kLong},
    {"torch IntStorage", at::kInt},
    {"torch ShortStorage", at::kShort},
    {"torch CharStorage", at::kChar},
    {"torch ByteStorage", at::kByte},
    {"torch BoolStorage", at::kBool},
}};

bool is_a(const PickleValue& tuple, size_t index, Kind kind) {
  return index < tuple.items.size() && tuple.items[index]->kind == kind;
}

std::vector<int64_t> sizes_of(const PickleValue& tuple, const std::string& where) {
  std::vector<int64_t> sizes;
  for (size_t i = 0; i < tuple.items.size(); ++i) {
    STRATA_CHECK(is_a(tuple, i, Kind::kNumber) && tuple.items[i]->number >= 0, where,
                 ": the pickle has a size that is none");
    sizes.push_back(tuple.items[i]->number);
  }
  return sizes;
}

// The view's last element lies within the storage, and nothing on the way overflows.
bool lies_within(const StoredTensor& tensor) {
  int64_t last = tensor.offset, count = 1;
  for (size_t d = 0; d < tensor.shape.size(); ++d) {
    if (tensor.shape[d] == 0) return tensor.offset <= tensor.storage_size;
    int64_t step = 0;
    if (__builtin_mul_overflow(tensor.shape[d] - 1, tensor.strides[d], &step)) return false;
    if (__builtin_add_overflow(last, step, &last)) return false;
    if (__builtin_mul_overflow(count, tensor.shape[d], &count)) return false;
  }
  return last < tensor.storage_size && count <= tensor.storage_size;  // no broadcasting: a weight is no larger
}

// _rebuild_tensor_v2(storage, offset, size, strides, requires_grad, hooks)
PickleValue rebuilt_tensor(const PickleValue& arguments, const std::string& where) {
  STRATA_CHECK(is_a(arguments, 0, Kind::kStorage) && is_a(arguments, 1, Kind::kNumber) &&
                   is_a(arguments, 2, Kind::kTuple) && is_a(arguments, 3, Kind::kTuple),
               where, ": the pickle builds a tensor from what is no storage, offset, size and strides");
  PickleValue value{.kind = Kind::kTensor, .tensor = arguments.items[0]->tensor};
  value.tensor.offset = arguments.items[1]->number;
  value.tensor.shape = sizes_of(*arguments.items[2], where);
  value.tensor.strides = sizes_of(*arguments.items[3], where);
  constexpr size_t kMostDimensions = 64;
  STRATA_CHECK(value.tensor.shape.size() == value.tensor.strides.size() &&
                   value.tensor.shape.size() <= kMostDimensions && value.tensor.offset >= 0 &&
                   lies_within(value.tensor),
               where, ": the pickle has a tensor that does not lie within its storage");
  return value;
}

// torch.load's own checkpoints: {"model": state dict} is not looked into, since what lies beside it may be anything.
StoredTensor named(const PickleValue& key, const PickleValue& value, const std::string& where) {
  STRATA_CHECK(key.kind == Kind::kText, where, ": is no state dict: a key is no text");
  STRATA_CHECK(value.kind == Kind::kTensor, where, ": is no state dict: \"", key.text, "\" is no tensor");
  StoredTensor tensor = value.tensor;
  tensor.name = key.text;
  return tensor;
}

}  // namespace

PickleValue call_global(const PickleValue& global, const PickleValue& arguments, const std::string& where) {
  STRATA_CHECK(global.kind == Kind::kGlobal && arguments.kind == Kind::kTuple, where,
               ": the pickle calls what is no function");
  if (global.text == "torch._utils _rebuild_tensor_v2") return rebuilt_tensor(arguments, where);
  if (global.text == "torch._utils _rebuild_parameter") {
    STRATA_CHECK(is_a(arguments, 0, Kind::kTensor), where, ": the pickle makes a parameter of what is no tensor");
    return *arguments.items[0];
  }
  STRATA_CHECK(global.text == "collections OrderedDict", where, ": the pickle calls ", global.text,
               ", which no state dict of tensors needs; nothing of it was run");
  STRATA_CHECK(arguments.items.empty(), where, ": the pickle makes a dict of something");
  return {.kind = Kind::kDict};
}

PickleValue storage_of(const PickleValue& id, const std::string& where) {
  STRATA_CHECK(id.kind == Kind::kTuple && is_a(id, 0, Kind::kText) && id.items[0]->text == "storage" &&
                   is_a(id, 1, Kind::kGlobal) && is_a(id, 2, Kind::kText) && is_a(id, 4, Kind::kNumber),
               where, ": the pickle names something beside it that is no storage");
  const std::string& type = id.items[1]->text;
  const auto* const found =
      std::find_if(kStorages.begin(), kStorages.end(), [&](const auto& known) { return known.first == type; });
  STRATA_CHECK(found != kStorages.end(), where, ": the pickle has a storage of type ", type);
  PickleValue value{.kind = Kind::kStorage};
  value.tensor.storage = id.items[2]->text;
  value.tensor.dtype = found->second;
  value.tensor.storage_size = id.items[4]->number;
  constexpr int64_t kMostElements = int64_t{1} << 48;
  STRATA_CHECK(0 <= value.tensor.storage_size && value.tensor.storage_size <= kMostElements, where,
               ": the pickle has a storage of ", value.tensor.storage_size, " elements");
  return value;
}

std::vector<StoredTensor> read_state_dict(std::string_view pickle, const std::string& where) {
  PickleArena arena;
  const PickleValue* const dict = run_pickle(pickle, where, arena);
  STRATA_CHECK(dict->kind == Kind::kDict, where, ": is no state dict");
  std::vector<StoredTensor> tensors;
  std::set<std::string> names;
  for (const auto& [key, value] : dict->entries) {
    tensors.push_back(named(*key, *value, where));
    STRATA_CHECK(names.insert(tensors.back().name).second, where, ": has \"", tensors.back().name, "\" twice");
  }
  return tensors;
}

}  // namespace strata::io
