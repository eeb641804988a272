// From checked tensors to the raw pointers of kernel bodies.
#pragma once

#include <ATen/core/Tensor.h>

#include <bit>

#include "device_kernels.h"
#include "strata/base/check.h"
#include "strata/kernels/device.h"

namespace strata::kernels {

/// Of a tensor on `meta`, which has no memory: an address that tells it from others.
inline void* address_of(const at::Tensor& tensor) {
  if (!tensor.is_meta()) return tensor.data_ptr();
  constexpr int kApart = 12;  // bits
  const auto storage =
      reinterpret_cast<uintptr_t>(tensor.unsafeGetTensorImpl()->unsafe_storage().unsafeGetStorageImpl());
  return std::bit_cast<void*>((storage << kApart) + static_cast<uintptr_t>(tensor.storage_offset()));
}

template <class T>
T* pointer(const at::Tensor& tensor) {
  return tensor.defined() ? static_cast<T*>(address_of(tensor)) : nullptr;
}

inline Array array(const at::Tensor& tensor) {
  if (!tensor.defined()) return {};
  STRATA_CHECK(tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kBFloat16,
               "kernels work on fp32 and bf16, not ", tensor.scalar_type());
  return {address_of(tensor), tensor.scalar_type() == at::kFloat ? Storage::kFp32 : Storage::kBf16};
}

/// f(T{}) with the storage type of `tensor`: float or Bf16.
template <class F>
void with_storage_type(const at::Tensor& tensor, F&& f) {
  if (tensor.scalar_type() == at::kFloat) {
    f(float{});
  } else {
    STRATA_CHECK(tensor.scalar_type() == at::kBFloat16, "kernels work on fp32 and bf16, not ", tensor.scalar_type());
    f(Bf16{});
  }
}

/// f(std::bool_constant) for a value known only at run time.
template <class F>
void with_flag(bool flag, F&& f) {
  if (flag) {
    f(std::true_type{});
  } else {
    f(std::false_type{});
  }
}

}  // namespace strata::kernels
