#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

namespace strata::test {

/// Unit roundoff: the largest relative error of one rounding to nearest.
inline constexpr double kUnitFp32 = 0x1p-24;
double unit_of(at::ScalarType dtype);

/// Relative error, to first order, of a sum of `terms` fp32 products as the kernels take it, in terms of the sum of
/// their absolute values: 16 lanes one after another, a tree of four levels, and up to eight operations around it.
double sum_error(int64_t terms);

/// N rows by D columns that between them have an odd number of rows, one row, widths off the vector length, and more
/// rows than are summed one after another.
struct Shape {
  int64_t rows;
  int64_t width;
};
inline constexpr Shape kShapes[] = {{3, 1}, {70, 7}, {5, 16}, {131, 33}, {1, 512}, {66, 1000}};

inline constexpr at::ScalarType kStorageTypes[] = {at::kFloat, at::kBFloat16};
std::string name_of(at::ScalarType dtype);

/// Uniform in [low, high), rounded to dtype; the seed is the same in every run.
at::Tensor uniform(at::IntArrayRef shape, at::ScalarType dtype, uint64_t seed, double low, double high);
at::Tensor wide(const at::Tensor& tensor);  // a copy in fp64
at::Tensor leaf(const at::Tensor& tensor);  // the same, wanting a gradient

double max_abs(const at::Tensor& tensor);
/// The largest absolute difference; infinite where one has a NaN that the other has not.
double max_error(const at::Tensor& ours, const at::Tensor& reference);

/// Runs f on one thread, on two, and in every other way there is, and expects tensors of the same bits.
void expect_same_bits_on_all_threads(const std::function<std::vector<at::Tensor>()>& f);

}  // namespace strata::test
