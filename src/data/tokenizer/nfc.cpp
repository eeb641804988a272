#include "data/tokenizer/nfc.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

#include "strata/base/check.h"

namespace strata::data {
namespace {

struct Range {
  utf8proc_int32_t first = 0;
  utf8proc_int32_t last = 0;
};

// Characters younger than Unicode 9 that compose or are put in an order.
constexpr std::array<Range, 36> kYounger{{
    {0x07FD, 0x07FD},   {0x0898, 0x089F},   {0x08CA, 0x08D3},   {0x09FE, 0x09FE},   {0x0C3C, 0x0C3C},
    {0x0D3B, 0x0D3C},   {0x0EBA, 0x0EBA},   {0x1715, 0x1715},   {0x1ABF, 0x1ACE},   {0x1DF6, 0x1DFA},
    {0xA82C, 0xA82C},   {0x10D24, 0x10D27}, {0x10EAB, 0x10EAC}, {0x10EFD, 0x10EFF}, {0x10F46, 0x10F50},
    {0x10F82, 0x10F85}, {0x11070, 0x11070}, {0x1133B, 0x1133B}, {0x1145E, 0x1145E}, {0x11839, 0x1183A},
    {0x11930, 0x1193E}, {0x11943, 0x11943}, {0x119E0, 0x119E0}, {0x11A34, 0x11A34}, {0x11A47, 0x11A47},
    {0x11A99, 0x11A99}, {0x11D42, 0x11D42}, {0x11D44, 0x11D45}, {0x11D97, 0x11D97}, {0x11F41, 0x11F42},
    {0x16FF0, 0x16FF1}, {0x1E08F, 0x1E08F}, {0x1E130, 0x1E136}, {0x1E2AE, 0x1E2AE}, {0x1E2EC, 0x1E2EF},
    {0x1E4EC, 0x1E4EF},
}};

bool is_younger(utf8proc_int32_t character) {
  const auto* const range = std::ranges::lower_bound(kYounger, character, {}, &Range::last);
  return range != kYounger.end() && range->first <= character;
}

// Characters that may act on each other. utf8proc composes; its own ordering takes quadratic time for rows of marks.
class Run {
 public:
  bool empty() const { return characters_.empty(); }
  size_t size() const { return characters_.size(); }

  void add(utf8proc_int32_t character) {
    std::array<utf8proc_int32_t, 8> parts{};
    int bounds = 0;
    const auto count =
        utf8proc_decompose_char(character, parts.data(), parts.size(),
                                static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_STABLE), &bounds);
    STRATA_ASSERT(0 < count && count <= std::ssize(parts));
    characters_.insert(characters_.end(), parts.begin(), parts.begin() + count);
  }

  void flush(std::string& text) {
    if (characters_.empty()) return;
    order();
    const auto count = utf8proc_normalize_utf32(characters_.data(), std::ssize(characters_),
                                                static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
    for (utf8proc_ssize_t i = 0; i < count; ++i) {
      std::array<utf8proc_uint8_t, 4> bytes{};
      const auto size = utf8proc_encode_char(characters_[static_cast<size_t>(i)], bytes.data());
      text.append(reinterpret_cast<const char*>(bytes.data()), static_cast<size_t>(size));
    }
    characters_.clear();
  }

 private:
  static int class_of(utf8proc_int32_t character) { return utf8proc_get_property(character)->combining_class; }

  // Those of one class stay in their order.
  static void sort_by_class(std::span<utf8proc_int32_t> marks) {
    std::vector<std::pair<int, size_t>> places;
    const std::vector<utf8proc_int32_t> before(marks.begin(), marks.end());
    for (size_t i = 0; i < marks.size(); ++i) places.emplace_back(class_of(marks[i]), i);
    std::ranges::sort(places);
    for (size_t i = 0; i < marks.size(); ++i) marks[i] = before[places[i].second];
  }

  // Each row of marks by their classes.
  void order() {
    for (auto begin = characters_.begin(); begin != characters_.end();) {
      const auto is_starter = [](utf8proc_int32_t character) { return class_of(character) == 0; };
      begin = std::find_if_not(begin, characters_.end(), is_starter);
      const auto end = std::find_if(begin, characters_.end(), is_starter);
      sort_by_class({begin, end});
      begin = end;
    }
  }

  std::vector<utf8proc_int32_t> characters_;
};

}  // namespace

bool is_plainly_nfc(std::string_view text) {
  constexpr unsigned char kFirstByteOfMarks = 0xCC;  // of U+0300 to U+033F
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) >= kFirstByteOfMarks; });
}

std::string nfc(std::string_view text) {
  constexpr size_t kLongRun = 4096;
  std::string made;
  made.reserve(text.size());
  Run run;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  for (auto rest = std::ssize(text); rest > 0;) {
    utf8proc_int32_t character = 0;
    const auto size = utf8proc_iterate(bytes, rest, &character);
    STRATA_CHECK(size > 0, "a text of ", text.size(), " bytes is not UTF-8");
    const bool is_own = is_younger(character);
    // ASCII composes with nothing before it.
    if (is_own || (character < 0x80 && run.size() > kLongRun)) run.flush(made);
    if (is_own) {
      made.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
    } else {
      run.add(character);
    }
    bytes += size;
    rest -= size;
  }
  run.flush(made);
  return made;
}

}  // namespace strata::data
