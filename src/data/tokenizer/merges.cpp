#include "data/tokenizer/merges.h"

#include <algorithm>
#include <array>
#include <bit>

#include "strata/base/check.h"

namespace strata::data {
namespace {

constexpr size_t kFew = 40;

uint64_t pair_of(int32_t left, int32_t right) {
  return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

size_t hash_of(uint64_t pair) {
  pair *= 0x9E37'79B9'7F4A'7C15;
  return pair ^ pair >> 32;
}

}  // namespace

Merges::Merges(const std::vector<Merge>& merges) : slots_(std::bit_ceil(2 * merges.size() + 1)) {
  for (const Merge& merge : merges) {
    const uint64_t pair = pair_of(merge.left, merge.right);
    size_t at = hash_of(pair) & (slots_.size() - 1);
    while (slots_[at].pair != kNone && slots_[at].pair != pair) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {.pair = pair, .rank = merge.rank, .token = merge.token};
  }
}

// The slot of the pair, or an empty one.
const Merges::Slot& Merges::find(int32_t left, int32_t right) const {
  const uint64_t pair = pair_of(left, right);
  size_t at = hash_of(pair) & (slots_.size() - 1);
  while (slots_[at].pair != pair && slots_[at].pair != kNone) at = (at + 1) & (slots_.size() - 1);
  return slots_[at];
}

void Merges::apply(std::vector<int32_t>& tokens, Scratch& scratch) const {
  if (tokens.size() <= kFew) return apply_to_few(tokens);
  apply_to_many(tokens, scratch);
}

// Looks through all pairs for each merge.
void Merges::apply_to_few(std::vector<int32_t>& tokens) const {
  if (tokens.size() < 2) return;
  std::array<const Slot*, kFew> pairs{};  // pairs[i] is of tokens i and i + 1
  size_t count = tokens.size() - 1;
  for (size_t i = 0; i < count; ++i) pairs[i] = &find(tokens[i], tokens[i + 1]);
  while (count > 0) {
    const auto* const best = std::min_element(pairs.data(), pairs.data() + count,
                                              [](const Slot* a, const Slot* b) { return a->rank < b->rank; });
    if ((*best)->rank == kNever) break;
    const auto at = static_cast<size_t>(best - pairs.data());
    tokens[at] = (*best)->token;
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    std::copy(pairs.data() + at + 1, pairs.data() + count, pairs.data() + at);
    --count;
    if (at > 0) pairs[at - 1] = &find(tokens[at - 1], tokens[at]);
    if (at < count) pairs[at] = &find(tokens[at], tokens[at + 1]);
  }
}

// The pair of the symbol at `place` and the one behind it, if it has a rank.
void Merges::push(int32_t place, Scratch& scratch) const {
  const Scratch::Symbol& symbol = scratch.symbols[static_cast<size_t>(place)];
  if (symbol.behind < 0) return;
  const int32_t right = scratch.symbols[static_cast<size_t>(symbol.behind)].token;
  const Slot& slot = find(symbol.token, right);
  if (slot.rank == kNever) return;
  scratch.heap.push_back({.rank = slot.rank, .place = place, .left = symbol.token, .right = right});
  std::ranges::push_heap(scratch.heap, [](const auto& a, const auto& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.place > b.place;
  });
}

// A list of symbols, and a heap of the pairs that there were; those that are no more are passed over.
void Merges::apply_to_many(std::vector<int32_t>& tokens, Scratch& scratch) const {
  auto& [symbols, heap] = scratch;
  const auto count = static_cast<int32_t>(tokens.size());
  STRATA_CHECK(std::ssize(tokens) == count, "a word of ", tokens.size(), " bytes is too long to tokenize");
  symbols.clear();
  heap.clear();
  for (int32_t i = 0; i < count; ++i) {
    symbols.push_back({.token = tokens[static_cast<size_t>(i)], .before = i - 1, .behind = i + 1 < count ? i + 1 : -1});
  }
  for (int32_t i = 0; i < count; ++i) push(i, scratch);
  while (!heap.empty()) {
    std::ranges::pop_heap(
        heap, [](const auto& a, const auto& b) { return a.rank != b.rank ? a.rank > b.rank : a.place > b.place; });
    const Scratch::Candidate best = heap.back();
    heap.pop_back();
    Scratch::Symbol& left = symbols[static_cast<size_t>(best.place)];
    if (left.token != best.left || left.behind < 0) continue;
    Scratch::Symbol& right = symbols[static_cast<size_t>(left.behind)];
    if (right.token != best.right) continue;
    left.token = find(best.left, best.right).token;
    left.behind = right.behind;
    right.token = -1;  // is no more
    if (left.behind >= 0) symbols[static_cast<size_t>(left.behind)].before = best.place;
    if (left.before >= 0) push(left.before, scratch);
    push(best.place, scratch);
  }
  tokens.clear();
  for (int32_t at = 0; at >= 0; at = symbols[static_cast<size_t>(at)].behind) {
    tokens.push_back(symbols[static_cast<size_t>(at)].token);
  }
}

}  // namespace strata::data
