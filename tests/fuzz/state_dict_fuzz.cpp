// The pickle of pytorch_model.bin.
#include <algorithm>

#include "fuzz/target.h"
#include "strata/io/state_dict.h"
#include "support/pickle.h"

namespace strata::fuzz {
namespace {

// By counting, where the reader multiplies: small tensors only.
bool lies_within(const io::StoredTensor& tensor) {
  int64_t elements = 1, last = tensor.offset;
  for (size_t d = 0; d < tensor.shape.size(); ++d) {
    elements *= tensor.shape[d];
    last += (tensor.shape[d] - 1) * tensor.strides[d];
  }
  return elements == 0 || (tensor.offset >= 0 && last < tensor.storage_size);
}

}  // namespace

void test_one(std::string_view input) {
  for (const io::StoredTensor& tensor : io::read_state_dict(input, "read")) {
    expect(tensor.shape.size() == tensor.strides.size(), "a tensor has as many strides as lengths");
    for (const int64_t length : tensor.shape) expect(length >= 0, "no length is negative");
    const bool is_small = std::ranges::all_of(tensor.shape, [](int64_t length) { return length < 16; }) &&
                          std::ranges::all_of(tensor.strides, [](int64_t stride) { return stride < 1 << 20; }) &&
                          tensor.shape.size() < 8;
    if (is_small) expect(lies_within(tensor), "a tensor lies within its storage");
  }
}

std::vector<std::string> seeds() {
  using test::Pickle;
  Pickle two;
  two.begin_dict().text("model.norm.weight").tensor("FloatStorage", "0", 4, 0, {2, 2}, {2, 1});
  two.text("lm_head.weight").tensor("BFloat16Storage", "1", 1 << 20, 300, {0, 7}, {7, 1}).end_dict();
  Pickle parameter;
  parameter.begin_dict().text("w").global("torch._utils", "_rebuild_parameter").raw("(");
  parameter.tensor("HalfStorage", "0", 9, 1, {}, {}).raw("\x88}t").call().end_dict().raw("}b");
  return {two.bytes(), parameter.bytes(), Pickle().begin_dict().end_dict().bytes(),
          Pickle().raw("](K\1NGabcdefghea").raw("h").bytes()};
}

}  // namespace strata::fuzz
