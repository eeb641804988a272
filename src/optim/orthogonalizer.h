#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <span>
#include <vector>

#include "strata/base/allocator.h"
#include "strata/config/optimizer.h"
#include "strata/kernels/gemm.h"
#include "strata/kernels/muon.h"

namespace strata::optim {

struct MatrixSize {
  int64_t rows = 0, columns = 0;

  int64_t count() const { return rows * columns; }
};

/// Brings the singular values of matrices near 1 by five steps of an odd polynomial each, X <- (a I + b G + c G^2) X
/// with G = X X^T, or from the other side where X is tall. All steps of a matrix are this worker's, and its bits depend
/// on nothing but the matrix and the library of products.
class Orthogonalizer {
 public:
  /// sizes: of all matrices that it will be given. dtype: of factors and results. `gemm` must outlive it.
  Orthogonalizer(config::Orthogonalization how, const kernels::Gemm& gemm, const std::vector<MatrixSize>& sizes,
                 at::ScalarType dtype, Allocator& allocator);

  /// Where a matrix of that size has to be before it is made orthogonal: flat, row by row.
  at::Tensor input(const MatrixSize& size) const { return x_.narrow(0, 0, size.count()); }
  /// The input made orthogonal: flat, until the next one. What is nought stays nought.
  at::Tensor orthogonalize(const MatrixSize& size) const;

  /// FLOPs of the products for a matrix.
  static double flops(const MatrixSize& size);

 private:
  // Blocks whose squares are added up, and where a matrix's begin and end.
  struct NormTables {
    at::Tensor blocks_B2, starts_2;
  };

  void divide_by_norm(const at::Tensor& x) const;

  std::span<const kernels::MatrixPolynomial> steps_;
  kernels::NormDivisor divisor_;
  const kernels::Gemm& gemm_;
  at::Tensor x_, next_x_;                 // flat, of the largest matrix
  at::Tensor gram_, polynomial_;          // flat, of the largest shorter side
  std::map<int64_t, NormTables> tables_;  // by the matrix's number of elements
  at::Tensor squares_B_, square_1_;
};

}  // namespace strata::optim
