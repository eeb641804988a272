#include "cuda_on_host/emulator/shared_memory.h"

#include <cstring>

#include "cuda_on_host/emulator/block.h"

namespace strata::test::emulated {
namespace {

// What a kernel may declare without asking at launch.
constexpr size_t kStaticLimit = 48 << 10;

}  // namespace

SharedArray::SharedArray(const SharedDeclaration& declaration, size_t count, size_t element_bytes, bool with_shadow)
    : declaration_(declaration),
      count_(count),
      element_bytes_(element_bytes),
      memory_(new std::byte[count * element_bytes]),
      shadow_(with_shadow ? count : 0) {
  std::memset(memory_.get(), 0xFF, bytes());  // NaN as float, double and bfloat16
}

SharedArray::Access SharedArray::access_now() {
  const Block& block = Block::current();
  return {block.epoch(), block.warp_epoch(), block.thread(), block.thread() / Block::kWarp};
}

// __syncthreads orders what a block does, __syncwarp what a warp does; shuffles order nothing.
bool SharedArray::races(const Access& earlier, const Access& now) {
  if (earlier.epoch != now.epoch || earlier.thread == now.thread) return false;
  return earlier.thread == kSeveral || earlier.warp != now.warp || earlier.warp_epoch == now.warp_epoch;
}

// Both are reads. One that is ordered before the other within the warp need not be kept: whatever races with it from
// another warp races with the other too.
SharedArray::Access SharedArray::merged(const Access& earlier, const Access& now) {
  if (!races(earlier, now)) return now;
  Access both = now;
  both.thread = earlier.thread == kSeveral || earlier.warp != now.warp ? kSeveral : kWarpMates;
  return both;
}

void SharedArray::before_read(ptrdiff_t element) {
  Shadow* shadow = checked(element, "reads");
  if (shadow == nullptr) return;
  if (!shadow->written && !escaped_) fail("reads " + name(element) + ", which nobody has written");
  const Access now = access_now();
  if (races(shadow->write, now)) fail_race("reads", element, "wrote", shadow->write);
  shadow->read = merged(shadow->read, now);
}

void SharedArray::before_write(ptrdiff_t element) {
  Shadow* shadow = checked(element, "writes");
  if (shadow == nullptr) return;
  const Access now = access_now();
  if (races(shadow->write, now)) fail_race("writes", element, "wrote", shadow->write);
  if (races(shadow->read, now)) fail_race("writes", element, "read", shadow->read);
  shadow->write = now;
  shadow->written = true;
}

void SharedArray::before_escape(ptrdiff_t element) {
  if (element < 0 || element > static_cast<ptrdiff_t>(count_)) checked(element, "makes a pointer to");
  escaped_ = true;
}

SharedArray::Shadow* SharedArray::checked(ptrdiff_t element, const char* what) {
  if (element < 0 || element >= static_cast<ptrdiff_t>(count_)) {
    fail(std::string(what) + " " + name(element) + ", out of its " + std::to_string(count_) + " elements");
  }
  return shadow_.empty() ? nullptr : &shadow_[element];
}

void SharedArray::fail_race(const char* what, ptrdiff_t element, const char* other, const Access& earlier) const {
  const std::string who = earlier.thread < 0 ? "other threads" : Block::current().name(earlier.thread);
  fail("race: " + std::string(what) + " " + name(element) + ", which " + who + " " + other +
       " without a barrier between");
}

std::string SharedArray::name(ptrdiff_t element) const {
  return "shared " + std::string(declaration_.name) + "[" + std::to_string(element) + "] (" + declaration_.site.name() +
         ")";
}

SharedArray& SharedMemory::get(const SharedDeclaration* declaration, size_t count, size_t element_bytes) {
  for (const Entry& entry : arrays_) {
    if (entry.key == declaration) return *entry.array;
  }
  return add(declaration, *declaration, count, element_bytes);
}

SharedArray& SharedMemory::dynamic(const char* name, const Site& site) {
  for (const Entry& entry : arrays_) {
    if (entry.key == nullptr) return *entry.array;
  }
  return add(nullptr, {name, site}, dynamic_bytes_ / sizeof(float), sizeof(float));
}

SharedArray& SharedMemory::add(const SharedDeclaration* key, const SharedDeclaration& declaration, size_t count,
                               size_t bytes) {
  size_t static_bytes = key == nullptr ? 0 : count * bytes;
  for (const Entry& entry : arrays_) static_bytes += entry.key == nullptr ? 0 : entry.array->bytes();
  if (static_bytes > kStaticLimit || static_bytes + dynamic_bytes_ > limit_) {
    fail("shared " + std::string(declaration.name) + " (" + declaration.site.name() + ") makes " +
         std::to_string(static_bytes) + " static and " + std::to_string(dynamic_bytes_) +
         " dynamic bytes of shared memory; a block has at most " + std::to_string(kStaticLimit) + " static and " +
         std::to_string(limit_) + " in all");
  }
  arrays_.push_back({key, std::make_unique<SharedArray>(declaration, count, bytes, with_shadow_)});
  return *arrays_.back().array;
}

}  // namespace strata::test::emulated
