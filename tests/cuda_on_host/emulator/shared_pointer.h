// What a name of a shared array is in an emulated kernel: a pointer that checks what is done through it.
#pragma once

#include <cstddef>
#include <type_traits>

#include "cuda_on_host/emulator/block.h"

namespace strata::test::emulated {

/// An element of a shared array. It reads where it is converted to T; `auto x = s[i]`, which would read where x is
/// used, is of no use: what has a name does not convert.
template <class T>
class SharedElement {
 public:
  SharedElement(SharedArray* array, ptrdiff_t element) : array_(array), element_(element) {}
  SharedElement(const SharedElement&) = default;

  operator T() const&& { return read(); }
  const SharedElement& operator=(const T& value) const {
    array_->before_write(element_);
    reinterpret_cast<T*>(array_->data())[element_] = value;
    return *this;
  }
  const SharedElement& operator=(const SharedElement& other) const { return *this = other.read(); }
  const SharedElement& operator+=(const T& value) const { return *this = static_cast<T>(read() + value); }
  const SharedElement& operator-=(const T& value) const { return *this = static_cast<T>(read() - value); }
  const SharedElement& operator*=(const T& value) const { return *this = static_cast<T>(read() * value); }

 private:
  T read() const {
    array_->before_read(element_);
    return reinterpret_cast<const T*>(array_->data())[element_];
  }

  SharedArray* array_;
  ptrdiff_t element_;
};

/// Points to an element. As a T*, only AddressSanitizer still sees what is done through it.
template <class T>
class SharedPointer {
 public:
  static_assert(std::is_trivially_copyable_v<T>);

  explicit SharedPointer(SharedArray* array, ptrdiff_t element = 0) : array_(array), element_(element) {}

  SharedElement<T> operator[](ptrdiff_t i) const { return {array_, element_ + i}; }
  SharedElement<T> operator*() const { return {array_, element_}; }
  SharedPointer operator+(ptrdiff_t distance) const { return SharedPointer(array_, element_ + distance); }
  SharedPointer operator-(ptrdiff_t distance) const { return SharedPointer(array_, element_ - distance); }

  operator T*() const {
    array_->before_escape(element_);
    return raw();
  }
  /// The address, for whoever checks the elements one by one.
  T* raw() const { return reinterpret_cast<T*>(array_->data()) + element_; }

 private:
  SharedArray* array_;
  ptrdiff_t element_;
};

template <class T>
SharedPointer<T> shared_array(const SharedDeclaration* declaration, size_t count) {
  return SharedPointer<T>(&Block::current().shared().get(declaration, count, sizeof(T)));
}

inline SharedPointer<float> dynamic_shared_array(const char* name, const Site& site) {
  return SharedPointer<float>(&Block::current().shared().dynamic(name, site));
}

}  // namespace strata::test::emulated
