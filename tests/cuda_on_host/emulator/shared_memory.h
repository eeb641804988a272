// A block's shared memory, with a shadow of who touched what since the last barrier.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cuda_on_host/emulator/emulation.h"
#include "cuda_on_host/emulator/warp_call.h"

namespace strata::test::emulated {

/// The declaration of a shared array; its address tells arrays apart.
struct SharedDeclaration {
  const char* name = "";
  Site site;
};

/// One array, in memory of its own. Accesses are by the thread that runs; they throw EmulationError.
class SharedArray {
 public:
  SharedArray(const SharedDeclaration& declaration, size_t count, size_t element_bytes, bool with_shadow);

  const SharedDeclaration& declaration() const { return declaration_; }
  size_t bytes() const { return count_ * element_bytes_; }
  std::byte* data() const { return memory_.get(); }

  void before_read(ptrdiff_t element);
  void before_write(ptrdiff_t element);
  /// From here on someone has a plain pointer to the element: reads before the first write are no longer found.
  void before_escape(ptrdiff_t element);

 private:
  // Threads, since the last barrier of the block.
  struct Access {
    uint32_t epoch = 0;
    uint32_t warp_epoch = 0;
    int thread = 0;  // kWarpMates: several of `warp`; kSeveral: of several warps
    int warp = 0;
  };
  struct Shadow {
    Access write, read;
    bool written = false;
  };
  static constexpr int kWarpMates = -1;
  static constexpr int kSeveral = -2;

  static Access access_now();
  static bool races(const Access& earlier, const Access& now);
  static Access merged(const Access& earlier, const Access& now);
  Shadow* checked(ptrdiff_t element, const char* what);
  [[noreturn]] void fail_race(const char* what, ptrdiff_t element, const char* other, const Access& earlier) const;
  std::string name(ptrdiff_t element) const;

  SharedDeclaration declaration_;
  size_t count_;
  size_t element_bytes_;
  std::unique_ptr<std::byte[]> memory_;
  std::vector<Shadow> shadow_;
  bool escaped_ = false;
};

/// What a launch says of a block's shared memory.
struct DynamicShared {
  size_t bytes;
  bool has_asked;  // for more than the 48 kB that a block has otherwise
};

/// All arrays of the block that runs.
class SharedMemory {
 public:
  SharedMemory(const DynamicShared& dynamic, const Emulation& emulation)
      : dynamic_bytes_(dynamic.bytes),
        limit_(dynamic.has_asked ? emulation.shared_limit : std::min(kWithoutAsking, emulation.shared_limit)),
        with_shadow_(emulation.check_shared) {}

  /// Begins a block: fresh memory, filled with NaN.
  void renew() { arrays_.clear(); }
  SharedArray& get(const SharedDeclaration* declaration, size_t count, size_t element_bytes);
  SharedArray& dynamic(const char* name, const Site& site);

 private:
  struct Entry {
    const SharedDeclaration* key = nullptr;  // null for the dynamic array
    std::unique_ptr<SharedArray> array;
  };
  SharedArray& add(const SharedDeclaration* key, const SharedDeclaration& declaration, size_t count, size_t bytes);

  static constexpr size_t kWithoutAsking = 48 << 10;

  size_t dynamic_bytes_;
  size_t limit_;
  bool with_shadow_;
  std::vector<Entry> arrays_;
};

}  // namespace strata::test::emulated
