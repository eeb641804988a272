// What device code is written in. nvcc brings it along; in tests the host's compiler finds it in tests/cuda_on_host,
// where every thread of a block is a fiber.
//
// Kernels use no more of CUDA than this: threadIdx, blockIdx, blockDim, gridDim (all three dimensions), dim3,
// __global__, __syncthreads, __syncwarp, the shuffles __shfl_sync, __shfl_xor_sync and __shfl_down_sync of float,
// double and int, __any_sync, __all_sync, __ballot_sync, atomicAdd of int and unsigned, and what is defined here. They
// are `static __global__`.
//
// In tests the name of a shared array is a pointer that checks every access: hand it on to functions as a template
// parameter (as a float* nobody looks any more), and name the type of what is read from it: `const float x = s[i]`.
#pragma once

#include <cstddef>
#include <cstdint>

namespace strata::kernels::cuda {

/// Whether a launch with so much dynamic shared memory asks CUDA for more than a block has otherwise: 48 kB, of which
/// arrays of constant size take their part.
constexpr bool asks_for_shared_memory(size_t dynamic_bytes) { return dynamic_bytes > (40 << 10); }

}  // namespace strata::kernels::cuda

#if defined(__CUDACC__)

#include <cuda_runtime.h>

#include <stdexcept>
#include <type_traits>

/// `name`: an array of `count` values in the block's shared memory, aligned for vectors; count is a constant.
#define STRATA_SHARED(type, name, count) __shared__ __align__(16) type name[count]
/// `name`: the float array in shared memory whose size in bytes the launch gave.
#define STRATA_DYNAMIC_SHARED(name) extern __shared__ __align__(16) float name[]
/// Before a loop whose arrays are to stay in registers.
#define STRATA_UNROLL _Pragma("unroll")
/// Before one that would need too many registers if all of it were unrolled.
#define STRATA_UNROLL_BY_4 _Pragma("unroll 4")

namespace strata::kernels::cuda {

/// cudaStream_t.
using Stream = void*;

/// What a pointer points to, without const; in tests also what stands for a pointer into shared memory.
template <class Row>
using Element = std::remove_const_t<std::remove_pointer_t<Row>>;

/// Elements that one thread moves at once: 16 bytes, whose address is a multiple of 16.
template <class T, int kCount>
struct alignas(sizeof(T) * kCount) Vector {
  T value[kCount];
};

template <class T, int kCount>
__device__ inline Vector<T, kCount> load_vector(const T* from) {
  return *reinterpret_cast<const Vector<T, kCount>*>(from);
}

template <class T, int kCount>
__device__ inline void store_vector(T* to, const Vector<T, kCount>& vector) {
  *reinterpret_cast<Vector<T, kCount>*>(to) = vector;
}

/// Enqueues the kernel. Throws std::runtime_error if CUDA refuses it.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared_bytes, Stream stream,
            Arguments... arguments) {
  if (asks_for_shared_memory(shared_bytes)) {
    cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes));
  }
  kernel<<<grid, block, shared_bytes, static_cast<cudaStream_t>(stream)>>>(arguments...);
  const cudaError_t error = cudaGetLastError();
  if (error != cudaSuccess) throw std::runtime_error(cudaGetErrorString(error));
}

}  // namespace strata::kernels::cuda

#else

#include "cuda_on_host/emulator.h"

#endif
