#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include <xxhash.h>

namespace strata::data {

/// The ids of short words that were met before, each in the one place that its hash gives it: 2 MiB.
class WordCache {
 public:
  struct Word {
    static constexpr size_t kMostBytes = 22;
    static constexpr size_t kMostIds = 10;
    std::array<int32_t, kMostIds> ids{};
    std::array<char, kMostBytes> bytes{};
    uint8_t size = 0;   // 0: nothing is here
    uint8_t count = 0;  // of ids
  };
  static_assert(sizeof(Word) == 64);

  static bool takes(std::string_view word) { return word.size() <= Word::kMostBytes; }

  /// Where a word of at most kMostBytes belongs.
  Word& place_of(std::string_view word) { return words_[XXH3_64bits(word.data(), word.size()) % kPlaces]; }

  static bool has(const Word& place, std::string_view word) {
    return place.size == word.size() && std::memcmp(place.bytes.data(), word.data(), word.size()) == 0;
  }

  static void put(Word& place, std::string_view word, std::span<const int32_t> ids) {
    if (ids.size() > Word::kMostIds) return;
    std::memcpy(place.bytes.data(), word.data(), word.size());
    std::memcpy(place.ids.data(), ids.data(), ids.size_bytes());
    place.size = static_cast<uint8_t>(word.size());
    place.count = static_cast<uint8_t>(ids.size());
  }

 private:
  static constexpr size_t kPlaces = size_t{1} << 15;

  std::vector<Word> words_ = std::vector<Word>(kPlaces);
};

}  // namespace strata::data
