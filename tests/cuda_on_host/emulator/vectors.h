// Vectors of 16 bytes, as in src/kernels/cuda/device.cuh, from and to places whose alignment is checked.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>

#include "cuda_on_host/emulator/shared_pointer.h"
#include "cuda_on_host/emulator/words.h"

namespace strata::kernels::cuda {

template <class T, int kCount>
struct alignas(sizeof(T) * kCount) Vector {
  T value[kCount];
};

template <class V>
void check_alignment(const void* address, test::emulated::Site site) {
  const auto past = std::bit_cast<uintptr_t>(address) % alignof(V);
  if (past == 0) return;
  test::emulated::fail("misaligned vector of " + std::to_string(sizeof(V)) + " bytes (" + site.name() +
                       "): its address is " + std::to_string(past) + " bytes past a multiple of its size");
}

template <class T, int kCount>
Vector<T, kCount> load_vector(const T* from, STRATA_CALLER) {
  check_alignment<Vector<T, kCount>>(from, {file, line});
  Vector<T, kCount> vector;
  std::memcpy(&vector, from, sizeof(vector));
  return vector;
}

template <class T, int kCount>
void store_vector(T* to, const Vector<T, kCount>& vector, STRATA_CALLER) {
  check_alignment<Vector<T, kCount>>(to, {file, line});
  std::memcpy(to, &vector, sizeof(vector));
}

template <class T, int kCount>
Vector<T, kCount> load_vector(test::emulated::SharedPointer<T> from, STRATA_CALLER) {
  check_alignment<Vector<T, kCount>>(from.raw(), {file, line});
  Vector<T, kCount> vector;
  for (int i = 0; i < kCount; ++i) vector.value[i] = from[i];
  return vector;
}

template <class T, int kCount>
void store_vector(test::emulated::SharedPointer<T> to, const Vector<T, kCount>& vector, STRATA_CALLER) {
  check_alignment<Vector<T, kCount>>(to.raw(), {file, line});
  for (int i = 0; i < kCount; ++i) to[i] = vector.value[i];
}

}  // namespace strata::kernels::cuda
