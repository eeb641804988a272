// Memory as device kernels are given it.
#pragma once

namespace strata::kernels {

enum class Storage { kFp32, kBf16 };

/// Contiguous memory of a device.
struct Array {
  void* data = nullptr;
  Storage storage = Storage::kFp32;
};

}  // namespace strata::kernels
