// CUDA's words that have nothing to do with who else runs: qualifiers and indices.
#pragma once

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)

// Takes the place of the file and line of a call, which __builtin_FILE() and __builtin_LINE() give as default
// arguments.
#define STRATA_CALLER const char *file = __builtin_FILE(), int line = __builtin_LINE()

struct uint3 {
  unsigned x = 0, y = 0, z = 0;
};

struct dim3 : uint3 {
  constexpr dim3(unsigned x_count = 1, unsigned y_count = 1, unsigned z_count = 1) : uint3{x_count, y_count, z_count} {}
};

extern constinit thread_local uint3 threadIdx;
extern constinit thread_local uint3 blockIdx;
extern constinit thread_local dim3 blockDim;
extern constinit thread_local dim3 gridDim;
