// Kernels that are wrong on purpose, and what finds each of them: memory and shapes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <concepts>
#include <vector>

#include "cuda_on_host/emulation_cases.h"
#include "cuda_on_host/emulator/guarded_buffer.h"
#include "cuda_on_host/emulator/sanitizers.h"
#include "kernels/cuda/device.cuh"

namespace strata::test {
namespace {

using kernels::cuda::launch;
using kernels::cuda::load_vector;
using kernels::cuda::store_vector;
using testing::AllOf;
using testing::HasSubstr;

static __global__ void write_shared(int first, int* out) {
  STRATA_SHARED(int, scratch, 32);
  const int t = static_cast<int>(threadIdx.x);
  scratch[first + t] = t;
  out[t] = scratch[first + t];
}

TEST(CudaOnHostEmulatorMemory, OutOfBoundsInSharedMemory) {
  std::vector<int> out(32);
  const auto run = [&](int first) { launch(&write_shared, dim3(1), dim3(32), 0, nullptr, first, out.data()); };
  EXPECT_EQ(emulation_error_of([&] { run(0); }), "no error");
  EXPECT_THAT(emulation_error_of([&] { run(1); }),
              AllOf(HasSubstr("block (0,0,0), thread (31,0,0): writes shared scratch[32] (emulator_memory_test.cpp:"),
                    HasSubstr("out of its 32 elements")));
  EXPECT_THAT(emulation_error_of([&] { run(-1); }), HasSubstr("thread (0,0,0): writes shared scratch[-1]"));
  const EmulationScope scope({.check_shared = false});
  EXPECT_THAT(emulation_error_of([&] { run(1); }), HasSubstr("out of its 32 elements")) << "bounds are always checked";
}

static __global__ void read_unwritten(float* out) {
  STRATA_SHARED(float, scratch, 33);
  scratch[threadIdx.x] = 1.0F;
  __syncthreads();
  out[threadIdx.x] = scratch[threadIdx.x + 1];
}

TEST(CudaOnHostEmulatorMemory, ReadOfUninitialisedSharedMemory) {
  std::vector<float> out(32);
  const auto run = [&] { launch(&read_unwritten, dim3(1), dim3(32), 0, nullptr, out.data()); };
  EXPECT_THAT(emulation_error_of(run),
              HasSubstr("thread (31,0,0): reads shared scratch[32] (emulator_memory_test.cpp:"));
  const EmulationScope scope({.check_shared = false});
  run();
  EXPECT_TRUE(std::isnan(out[31])) << "fresh shared memory is NaN";
}

static __global__ void read_of_block_before(float* out) {
  STRATA_SHARED(float, scratch, 32);
  if (blockIdx.x == 0) scratch[threadIdx.x] = 1.0F;
  out[threadIdx.x] = scratch[threadIdx.x];
}

TEST(CudaOnHostEmulatorMemory, BlocksShareNothing) {
  std::vector<float> out(32);
  EXPECT_THAT(emulation_error_of([&] { launch(&read_of_block_before, dim3(2), dim3(32), 0, nullptr, out.data()); }),
              HasSubstr("block (1,0,0), thread (0,0,0): reads shared scratch[0]"));
}

static __device__ void set_to(float* where, int count, float value) {
  for (int i = 0; i < count; ++i) where[i] = value;
}

static __global__ void shared_as_plain_pointer(float* out) {
  STRATA_SHARED(float, scratch, 64);
  set_to(scratch + 2 * threadIdx.x, 2, static_cast<float>(threadIdx.x));
  __syncthreads();
  out[threadIdx.x] = scratch[63 - threadIdx.x];
}

TEST(CudaOnHostEmulatorMemory, SharedArraysCanBePlainPointers) {
  std::vector<float> out(32);
  launch(&shared_as_plain_pointer, dim3(1), dim3(32), 0, nullptr, out.data());
  EXPECT_EQ(out[0], 31.0F);
  EXPECT_EQ(out[31], 16.0F);
}

static __global__ void copy(const float* in, float* out, int first) {
  out[threadIdx.x] = in[first + static_cast<int>(threadIdx.x)];
}

#if defined(STRATA_ASAN)
static __global__ void plain_pointer_too_far(int count) {
  STRATA_SHARED(float, first, 64);
  STRATA_SHARED(float, second, 64);
  set_to(first, count, 1.0F);
  set_to(second, count, 1.0F);
}

TEST(CudaOnHostEmulatorMemoryDeathTest, AddressSanitizerSeesPlainPointersToSharedArrays) {
  launch(&plain_pointer_too_far, dim3(1), dim3(32), 0, nullptr, 64);
  EXPECT_DEATH(launch(&plain_pointer_too_far, dim3(1), dim3(32), 0, nullptr, 65), "heap-buffer-overflow");
}

TEST(CudaOnHostEmulatorMemoryDeathTest, AddressSanitizerSeesGlobalMemory) {
  std::vector<float> in(32);
  std::vector<float> out(31);
  EXPECT_DEATH(launch(&copy, dim3(1), dim3(32), 0, nullptr, in.data(), out.data(), 0), "heap-buffer-overflow");
}
#endif

TEST(CudaOnHostEmulatorMemoryDeathTest, OutOfBoundsInGlobalMemory) {
  const GuardedBuffer<float> in(32);
  const GuardedBuffer<float> out(32);
  launch(&copy, dim3(1), dim3(32), 0, nullptr, in.data(), out.data(), 0);
  EXPECT_DEATH(launch(&copy, dim3(1), dim3(32), 0, nullptr, in.data(), out.data(), 1),
               "thread \\(31,0,0\\) or its launch: touches a byte 0 behind the end of a guarded buffer of 128|"
               "AddressSanitizer");
  EXPECT_DEATH(launch(&copy, dim3(1), dim3(64), 0, nullptr, in.data() - 32, out.data(), 0),
               "thread \\(32,0,0\\) or its launch|AddressSanitizer");
}

static __global__ void move_vectors(const float* in, float* out) {
  STRATA_SHARED(float, scratch, 4 * 32);
  const int i = 4 * static_cast<int>(threadIdx.x);
  store_vector(scratch + i, load_vector<float, 4>(in + i));
  __syncthreads();
  store_vector(out + i, load_vector<float, 4>(scratch + (124 - i)));
}

TEST(CudaOnHostEmulatorMemory, VectorsAreAligned) {
  const GuardedBuffer<float> in(132);
  for (size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(i);
  const GuardedBuffer<float> out(132);
  const auto run = [&](size_t in_offset, size_t out_offset) {
    launch(&move_vectors, dim3(1), dim3(32), 0, nullptr, in.data() + in_offset, out.data() + out_offset);
  };
  run(0, 0);
  EXPECT_EQ(out[1], 125.0F);
  EXPECT_THAT(
      emulation_error_of([&] { run(1, 0); }),
      AllOf(HasSubstr("misaligned vector of 16 bytes (emulator_memory_test.cpp:"), HasSubstr("is 4 bytes past")));
  EXPECT_THAT(emulation_error_of([&] { run(0, 2); }), HasSubstr("is 8 bytes past a multiple"));
}

static __global__ void nothing() {}

template <int kCount>
static __global__ void use_shared(int* out) {
  STRATA_SHARED(int, first, kCount);
  STRATA_SHARED(int, second, kCount);
  first[threadIdx.x] = 1;
  second[threadIdx.x] = 2;
  out[threadIdx.x] = first[threadIdx.x];
}

std::string shape_error(dim3 grid, dim3 block, size_t shared_bytes = 0) {
  return emulation_error_of([&] { launch(&nothing, grid, block, shared_bytes, nullptr); });
}

TEST(CudaOnHostEmulatorMemory, ShapesThatNoDeviceTakes) {
  EXPECT_EQ(shape_error(dim3(2), dim3(1024)), "no error");
  EXPECT_EQ(shape_error(dim3(2), dim3(33)),
            "a block of 33 x 1 x 1 threads; it has to be a multiple of 32 up to 1024, z up to 64");
  EXPECT_THAT(shape_error(dim3(2), dim3(1056)), HasSubstr("a block of 1056 x 1 x 1"));
  EXPECT_THAT(shape_error(dim3(2), dim3(32, 33)), HasSubstr("a block of 32 x 33 x 1"));
  EXPECT_THAT(shape_error(dim3(2), dim3(0)), HasSubstr("a block of 0 x 1 x 1"));
  EXPECT_THAT(shape_error(dim3(2), dim3(1, 8, 128)), HasSubstr("z up to 64"));
  EXPECT_THAT(shape_error(dim3(0), dim3(32)), HasSubstr("a grid of 0 x 1 x 1"));
  EXPECT_THAT(shape_error(dim3(1, 65536), dim3(32)), HasSubstr("a grid of 1 x 65536 x 1"));
  EXPECT_THAT(shape_error(dim3(1), dim3(32), 228 << 10), HasSubstr("233472 bytes of dynamic shared memory"));
}

TEST(CudaOnHostEmulatorMemory, TooMuchSharedMemory) {
  std::vector<int> out(32);
  const auto run = [&](auto kernel, size_t dynamic) {
    return emulation_error_of([&] { launch(kernel, dim3(1), dim3(32), dynamic, nullptr, out.data()); });
  };
  EXPECT_EQ(run(&use_shared<6144>, 179 << 10), "no error");
  EXPECT_THAT(run(&use_shared<6145>, 0), HasSubstr("makes 49160 static and 0 dynamic bytes"));
  EXPECT_THAT(run(&use_shared<6144>, 180 << 10), HasSubstr("makes 49152 static and 184320 dynamic bytes"));
}

template <class T>
concept HasAtomicAdd = requires(T* address, T value) {
  atomicAdd(address, value);
};

TEST(CudaOnHostEmulatorMemory, AtomicsAreOfIntegersOnly) {
  EXPECT_TRUE(HasAtomicAdd<int> && HasAtomicAdd<unsigned>);
  EXPECT_FALSE(HasAtomicAdd<float> || HasAtomicAdd<double>);
}

template <class T>
concept ReadsLate = requires(T element) {
  static_cast<float>(element);
};
template <class T>
concept ReadsAtOnce = requires(T element) {
  static_cast<float>(static_cast<T&&>(element));
};

TEST(CudaOnHostEmulatorMemory, NamedElementsOfSharedArraysDoNotConvert) {
  EXPECT_FALSE(ReadsLate<emulated::SharedElement<float>>);
  EXPECT_TRUE(ReadsAtOnce<emulated::SharedElement<float>>);
}

}  // namespace
}  // namespace strata::test
