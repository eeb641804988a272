#include "cuda_on_host/emulator/warp_call.h"

#include <cstring>
#include <filesystem>
#include <sstream>

namespace strata::test::emulated {

std::string Site::name() const { return std::filesystem::path(file).filename().string() + ":" + std::to_string(line); }

bool Site::operator==(const Site& other) const {
  return line == other.line && (file == other.file || std::strcmp(file, other.file) == 0);
}

std::string WarpCall::name() const {
  static constexpr const char* kNames[] = {"__shfl_sync", "__shfl_xor_sync", "__shfl_down_sync", "__any_sync",
                                           "__all_sync",  "__ballot_sync",   "__syncwarp"};
  std::ostringstream text;
  text << kNames[static_cast<int>(operation)] << " (" << site.name() << ", mask 0x" << std::hex << mask << std::dec;
  if (operation <= WarpOperation::kShuffleDown) text << ", width " << width;
  text << ")";
  return text.str();
}

bool WarpCall::meets(const WarpCall& other) const {
  return operation == other.operation && mask == other.mask && width == other.width && site == other.site;
}

int WarpCall::source(int lane) const {
  const int first = lane & ~(width - 1);
  const int last = first + width - 1;
  switch (operation) {
    case WarpOperation::kShuffle:
      return first + (operand & (width - 1));
    case WarpOperation::kShuffleXor:
      return (lane ^ operand) <= last ? lane ^ operand : lane;
    default:
      return lane + operand <= last ? lane + operand : lane;
  }
}

}  // namespace strata::test::emulated
