#include "support/pickle.h"

namespace strata::test {
namespace {

std::string little_endian(uint64_t value, int bytes) {
  std::string digits;
  for (int i = 0; i < bytes; ++i, value >>= 8) digits += static_cast<char>(value & 0xFF);
  return digits;
}

}  // namespace

Pickle& Pickle::raw(std::string_view instructions) {
  instructions_ += instructions;
  return *this;
}

Pickle& Pickle::text(std::string_view value) { return raw("X" + little_endian(value.size(), 4)).raw(value); }

Pickle& Pickle::number(int64_t value) {
  if (0 <= value && value < 256) return raw("K" + little_endian(static_cast<uint64_t>(value), 1));
  return raw("\x8a\x08" + little_endian(static_cast<uint64_t>(value), 8));
}

Pickle& Pickle::global(const std::string& module, const std::string& name) {
  return raw("c" + module + "\n" + name + "\n");
}

Pickle& Pickle::tuple(const std::vector<int64_t>& numbers) {
  raw("(");
  for (const int64_t value : numbers) number(value);
  return raw("t");
}

Pickle& Pickle::tuple(int count) { return raw(std::string(1, count == 0 ? ')' : static_cast<char>(0x84 + count))); }

Pickle& Pickle::begin_dict() {
  return global("collections", "OrderedDict").tuple(0).call().raw("q").raw({"\0", 1}).raw("(");
}

Pickle& Pickle::tensor(const std::string& storage_type, const std::string& key, int64_t storage_size, int64_t offset,
                       const std::vector<int64_t>& shape, const std::vector<int64_t>& strides) {
  global("torch._utils", "_rebuild_tensor_v2").raw("((").text("storage").global("torch", storage_type).text(key);
  text("cpu").number(storage_size).raw("tQ").number(offset).tuple(shape).tuple(strides).raw("\x89");
  return global("collections", "OrderedDict").tuple(0).call().raw("t").call();
}

}  // namespace strata::test
