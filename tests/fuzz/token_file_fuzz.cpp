#include <cstring>

#include "data/token_file.h"
#include "fuzz/target.h"
#include "strata/data/token_shard.h"
#include "support/token_files.h"

namespace strata::fuzz {
namespace {

using data::TokenFile;

constexpr int64_t kVocabulary = 130'000;

uint64_t id_at(const TokenFile& file, std::string_view bytes, uint64_t index) {
  uint64_t id = 0;
  const size_t width = static_cast<size_t>(file.id_width);
  std::memcpy(&id, bytes.data() + file.ids_at + index * width, width);
  return id;
}

void expect_sound(const TokenFile& file, std::string_view bytes) {
  expect(!file.offsets.empty() && file.offsets.front() == 0, "the first document begins the file");
  for (size_t d = 1; d < file.offsets.size(); ++d) {
    expect(file.offsets[d - 1] < file.offsets[d], "no document is empty");
  }
  expect(file.ids_at + file.offsets.back() * static_cast<size_t>(file.id_width) == bytes.size(),
         "the last document ends the file");
  for (uint64_t i = 0; i < file.offsets.back(); ++i) {
    expect(id_at(file, bytes, i) < kVocabulary, "every id is one of the vocabulary");
  }
}

}  // namespace

// An input is a byte, then llm.c's file if the byte is even; else two bytes with the size of Megatron's index, the
// index, and the ids.
void test_one(std::string_view input) {
  if (input.size() < 3) return;
  const bool is_llm_c = input.front() % 2 == 0;
  const size_t size = static_cast<unsigned char>(input[1]) + (size_t{static_cast<unsigned char>(input[2])} << 8U);
  const std::string index(is_llm_c ? "" : input.substr(3, size));
  const std::string bytes(is_llm_c ? input.substr(1) : input.substr(std::min(input.size(), 3 + size)));
  // Of just their sizes, so that reading beyond is seen.
  const std::vector<char> exact(bytes.begin(), bytes.end()), exact_index(index.begin(), index.end());
  const std::string_view view(exact.data(), exact.size()), index_view(exact_index.data(), exact_index.size());
  expect_sound(is_llm_c ? data::read_llm_c("x.bin", view, kVocabulary)
                        : data::read_megatron("x.bin", view, index_view, kVocabulary),
               view);
}

std::vector<std::string> seeds() {
  const auto megatron = [](const std::string& index, const std::string& ids) {
    return std::string("\1") + static_cast<char>(index.size() & 255U) + static_cast<char>(index.size() >> 8U) + index +
           ids;
  };
  return {'\0' + test::llm_c_file<uint16_t>({50256, 1, 2, 50256, 3}),
          '\0' + test::llm_c_file<uint32_t>({128000, 1, 2, 128000, 128001}),
          '\0' + test::llm_c_file<uint16_t>({}),
          megatron(test::megatron_index(8, 2, {1, 2}, {0, 1, 2}), std::string("\1\0\2\0\3\0", 6)),
          megatron(test::megatron_index(4, 4, {1, 0, 1}, {0, 2, 3}), std::string("\1\0\0\0\2\0\0\0", 8)),
          megatron(test::megatron_index(1, 1, {2}, {0}), "ab"),
          megatron(test::megatron_index(5, 8, {1}, {0, 1}), std::string("\1\0\0\0\0\0\0\0", 8))};
}

}  // namespace strata::fuzz
