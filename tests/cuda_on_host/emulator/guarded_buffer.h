// Arrays that end where nobody may go on.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

namespace strata::test {

/// Memory whose end, rounded up to the alignment, is the beginning of a page that ends the process with a line about
/// it when it is touched; under AddressSanitizer every byte in front of and behind the array does. Begins as 0xFF, NaN.
class GuardedMemory {
 public:
  GuardedMemory(size_t bytes, size_t alignment);
  ~GuardedMemory();
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;

  char* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  const char* guard() const { return guard_; }

 private:
  size_t bytes_;
  char* pages_ = nullptr;
  char* guard_ = nullptr;
  char* data_ = nullptr;
};

/// The array is exactly up to the guard where its bytes are a multiple of the alignment.
template <class T>
class GuardedBuffer {
 public:
  static_assert(std::is_trivially_copyable_v<T>);

  explicit GuardedBuffer(size_t count, size_t alignment = 16) : memory_(count * sizeof(T), alignment) {}

  T* data() const { return reinterpret_cast<T*>(memory_.data()); }
  size_t size() const { return memory_.bytes() / sizeof(T); }
  T& operator[](size_t i) const { return data()[i]; }
  std::span<T> span() const { return {data(), size()}; }

 private:
  GuardedMemory memory_;
};

}  // namespace strata::test
