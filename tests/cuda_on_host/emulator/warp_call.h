// What threads of a warp do together.
#pragma once

#include <cstdint>
#include <string>

namespace strata::test::emulated {

/// A place in a kernel's text.
struct Site {
  const char* file = "";
  int line = 0;

  /// "swiglu.cu:12"
  std::string name() const;
  bool operator==(const Site& other) const;
};

enum class WarpOperation : uint8_t { kShuffle, kShuffleXor, kShuffleDown, kAny, kAll, kBallot, kSync };

struct WarpCall {
  WarpOperation operation = WarpOperation::kSync;
  uint32_t mask = 0xFFFFFFFF;
  int operand = 0;  // of shuffles: the lane, its mask, the distance
  int width = 32;
  Site site;

  /// "__shfl_xor_sync (swiglu.cu:12, mask 0xffffffff, width 32)"
  std::string name() const;
  /// Whether lanes with these calls meet in one.
  bool meets(const WarpCall& other) const;
  /// The lane whose value a shuffle gives to `lane`; lanes above the end of their segment get their own.
  int source(int lane) const;
};

}  // namespace strata::test::emulated
