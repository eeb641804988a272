#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace strata::test {

namespace internal {
template <class Number>
void put(std::string& bytes, Number number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}
}  // namespace internal

/// A file of ids as llm.c writes it: 2 bytes wide for GPT-2, 4 for Llama 3.
template <class Id>
std::string llm_c_file(const std::vector<Id>& ids) {
  std::string bytes;
  internal::put<int32_t>(bytes, sizeof(Id) == 2 ? 20240520 : 20240801);
  internal::put<int32_t>(bytes, sizeof(Id) == 2 ? 1 : 7);
  internal::put(bytes, static_cast<int32_t>(ids.size()));
  bytes.resize(1024, '\0');
  for (const Id id : ids) internal::put(bytes, id);
  return bytes;
}

/// Megatron's index of sequences of so many ids, with the type's code and its width in bytes.
inline std::string megatron_index(uint8_t code, int64_t width, const std::vector<int32_t>& lengths,
                                  const std::vector<int64_t>& documents) {
  std::string bytes("MMIDIDX\0\0", 9);
  internal::put<uint64_t>(bytes, 1);
  internal::put(bytes, code);
  internal::put<uint64_t>(bytes, lengths.size());
  internal::put<uint64_t>(bytes, documents.size());
  for (const int32_t length : lengths) internal::put(bytes, length);
  int64_t place = 0;
  for (const int32_t length : lengths) {
    internal::put(bytes, place);
    place += length * width;
  }
  for (const int64_t index : documents) internal::put(bytes, index);
  return bytes;
}

}  // namespace strata::test
