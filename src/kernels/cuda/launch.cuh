// From calls to launches.
#pragma once

#include "cuda_kernels.h"
#include "executor.cuh"

namespace strata::kernels::cuda {

/// f(pointers) to the arrays' elements, which are all of one type.
template <class F, class... Arrays>
void with_storage(F&& f, Array first, Arrays... others) {
  if (first.storage == Storage::kFp32) {
    f(static_cast<float*>(first.data), static_cast<float*>(others.data)...);
  } else {
    f(static_cast<Bf16*>(first.data), static_cast<Bf16*>(others.data)...);
  }
}

/// f(count, pointers): with the elements that a thread moves at once, as a constant, in rows of this width.
template <class F, class... Arrays>
void with_rows(int64_t width, F&& f, Array first, Arrays... others) {
  with_storage(
      [&]<class T>(T* data, auto*... more) {
        with_vectors<T>(
            width, [&](auto count) { f(count, data, more...); }, data, more...);
      },
      first, others...);
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

/// A block for each row, of up to 256 threads.
inline dim3 grid_of(int64_t rows) { return dim3(static_cast<unsigned>(rows)); }
inline dim3 block_of(int64_t width, int count) {
  constexpr int64_t kMost = 256;
  return dim3(threads_for(width / count, kMost));
}

}  // namespace strata::kernels::cuda
