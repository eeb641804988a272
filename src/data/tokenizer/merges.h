#pragma once

#include <cstdint>
#include <vector>

namespace strata::data {

/// Byte-pair encoding: two neighbours become one token, the pair of the lowest rank first, and of equal ones the one
/// furthest left, until no pair of neighbours has a rank.
class Merges {
 public:
  struct Merge {
    int32_t left = 0;
    int32_t right = 0;
    int32_t rank = 0;
    int32_t token = 0;  // what both become
  };

  /// The memory of one thread.
  struct Scratch {
    struct Symbol {
      int32_t token = 0;
      int32_t before = 0;
      int32_t behind = 0;
    };
    struct Candidate {
      int32_t rank = 0;
      int32_t place = 0;
      int32_t left = 0;
      int32_t right = 0;
    };
    std::vector<Symbol> symbols;
    std::vector<Candidate> heap;
  };

  Merges() = default;
  /// Of two with the same pair the later one counts. Ids and ranks are from 0.
  explicit Merges(const std::vector<Merge>& merges);

  /// Merges `tokens`, n of them, in place, in O(n log n).
  void apply(std::vector<int32_t>& tokens, Scratch& scratch) const;

 private:
  struct Slot {
    uint64_t pair = kNone;
    int32_t rank = kNever;
    int32_t token = 0;
  };
  static constexpr uint64_t kNone = ~uint64_t{0};
  static constexpr int32_t kNever = INT32_MAX;

  const Slot& find(int32_t left, int32_t right) const;
  void apply_to_few(std::vector<int32_t>& tokens) const;
  void push(int32_t place, Scratch& scratch) const;
  void apply_to_many(std::vector<int32_t>& tokens, Scratch& scratch) const;

  std::vector<Slot> slots_{1};  // a power of two of them; a pair lies at its hash or behind
};

}  // namespace strata::data
