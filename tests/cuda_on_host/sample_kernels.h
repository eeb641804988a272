// Kernels for the emulator's own tests: right ones, which use each of CUDA's means that it knows.
#pragma once

#include <cstdint>

namespace strata::test::samples {

/// out[row] = sum of a row, a block of `threads` a row, in two stages: shuffles, then shared memory. Runs the
/// reduction twice over the same scratch: out[rows + row] is the sum of squares.
void sum_rows(const float* in, float* out, int rows, int width, int threads);
/// out[i] = sum of 32 values, a warp each, by __shfl_down_sync and __shfl_sync; blocks of 64.
void sum_warps(const double* in, double* out, int warps);
/// out = in backwards, by dynamic shared memory of a block of n threads.
void reverse(const float* in, float* out, int n);
/// out (columns x rows) = in (rows x columns), in tiles of 32 x 8 threads on a grid of two dimensions.
void transpose(const float* in, float* out, int rows, int columns);
/// out[i] = in[i] + 1 where i < n, by a vector of four a thread; blocks beyond n return at once, others sum up first.
void add_one(const float* in, float* out, int n, int blocks);
/// Of a warp of 32 values: how many are positive, whether any and whether all are; a fourth, by half warps.
void votes(const int* in, int* out);
/// Two sums of 32 values each through shared memory that only __syncwarp orders, and counts by atomics.
void warp_scratch(const int* in, int* out, unsigned* count);
/// out[3 b + d] = index of block b in dimension d, and of its last thread behind all blocks.
void indices(unsigned* out, unsigned* last);

}  // namespace strata::test::samples
