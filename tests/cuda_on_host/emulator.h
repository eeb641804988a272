// CUDA's device language for the host's compiler, as far as src/kernels/cuda/device.cuh allows kernels to use it.
// Every thread of a block is a fiber; what a kernel does wrong is thrown out of launch() as an EmulationError.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "cuda_on_host/emulator/grid.h"
#include "cuda_on_host/emulator/shared_pointer.h"
#include "cuda_on_host/emulator/vectors.h"
#include "cuda_on_host/emulator/words.h"

namespace strata::test::emulated {

template <class T>
concept ShuffledValue =
    std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, int> || std::same_as<T, unsigned>;

inline uint64_t call_warp(WarpOperation operation, uint32_t mask, uint64_t bits, Site site, int operand = 0,
                          int width = 32) {
  return Block::current().wait_for_warp({operation, mask, operand, width, site}, bits);
}

template <ShuffledValue T>
T shuffle(WarpOperation operation, uint32_t mask, T value, int operand, int width, Site site) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = call_warp(operation, mask, bits, site, operand, width);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

inline void __syncthreads(STRATA_CALLER) { Block::current().wait_for_block({file, line}); }

template <ShuffledValue T>
T __shfl_sync(uint32_t mask, T value, int lane, int width = 32, STRATA_CALLER) {
  return shuffle(WarpOperation::kShuffle, mask, value, lane, width, {file, line});
}

template <ShuffledValue T>
T __shfl_xor_sync(uint32_t mask, T value, int lane_mask, int width = 32, STRATA_CALLER) {
  return shuffle(WarpOperation::kShuffleXor, mask, value, lane_mask, width, {file, line});
}

template <ShuffledValue T>
T __shfl_down_sync(uint32_t mask, T value, int distance, int width = 32, STRATA_CALLER) {
  return shuffle(WarpOperation::kShuffleDown, mask, value, distance, width, {file, line});
}

inline int __any_sync(uint32_t mask, bool vote, STRATA_CALLER) {
  return static_cast<int>(call_warp(WarpOperation::kAny, mask, vote, {file, line}));
}

inline int __all_sync(uint32_t mask, bool vote, STRATA_CALLER) {
  return static_cast<int>(call_warp(WarpOperation::kAll, mask, vote, {file, line}));
}

inline uint32_t __ballot_sync(uint32_t mask, bool vote, STRATA_CALLER) {
  return static_cast<uint32_t>(call_warp(WarpOperation::kBallot, mask, vote, {file, line}));
}

inline void __syncwarp(uint32_t mask = 0xFFFFFFFF, STRATA_CALLER) {
  call_warp(WarpOperation::kSync, mask, 0, {file, line});
}

/// Of integers only: sums of floats would depend on the order of threads.
template <class T>
requires(std::same_as<T, int> || std::same_as<T, unsigned>) T atomicAdd(T* address, std::type_identity_t<T> value) {
  const T old = *address;
  *address = static_cast<T>(static_cast<unsigned>(old) + static_cast<unsigned>(value));
  return old;
}

}  // namespace strata::test::emulated

using strata::test::emulated::__all_sync;
using strata::test::emulated::__any_sync;
using strata::test::emulated::__ballot_sync;
using strata::test::emulated::__shfl_down_sync;
using strata::test::emulated::__shfl_sync;
using strata::test::emulated::__shfl_xor_sync;
using strata::test::emulated::__syncthreads;
using strata::test::emulated::__syncwarp;
using strata::test::emulated::atomicAdd;

#define STRATA_SHARED(type, name, count)                                                                           \
  static constinit ::strata::test::emulated::SharedDeclaration name##_declaration = {#name, {__FILE__, __LINE__}}; \
  const ::strata::test::emulated::SharedPointer<type> name =                                                       \
      ::strata::test::emulated::shared_array<type>(&name##_declaration, count)
#define STRATA_UNROLL
#define STRATA_UNROLL_BY_4
#define STRATA_DYNAMIC_SHARED(name)                           \
  const ::strata::test::emulated::SharedPointer<float> name = \
      ::strata::test::emulated::dynamic_shared_array(#name, {__FILE__, __LINE__})

namespace strata::kernels::cuda {

using Stream = void*;

template <class Row>
struct ElementOf {
  using Type = std::remove_const_t<std::remove_pointer_t<Row>>;
};
template <class T>
struct ElementOf<test::emulated::SharedPointer<T>> {
  using Type = T;
};
template <class Row>
using Element = typename ElementOf<Row>::Type;

template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared_bytes, Stream, Arguments... arguments) {
  static_assert((std::is_trivially_copyable_v<Parameters> && ...), "parameters are copied to the device as bytes");
  static_assert((sizeof(Parameters) + ... + 0) <= 4096, "a kernel has at most 4 KB of parameters");
  test::emulated::run_grid(grid, block, {shared_bytes, asks_for_shared_memory(shared_bytes)},
                           [&] { kernel(arguments...); });
}

}  // namespace strata::kernels::cuda
