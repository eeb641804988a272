#pragma once

#include "strata/kernels/update.h"

/// What Muon does to a matrix beside products. Matrices are contiguous; arithmetic is fp32.
namespace strata::kernels {

struct MuonMomentum {
  double momentum = 0.95;
  bool nesterov = true;
  UpdateChance chance = {};
};

/// The mean of gradients, and what is to be made orthogonal:
///
///   m <- momentum m + (1 - momentum) factor g
///   out = momentum m + (1 - momentum) factor g under nesterov, else m
///
/// out, gradient, m: flat and equally long; gradient and m of one dtype, fp32 or bf16, out of either.
void muon_momentum(const at::Tensor& out, const at::Tensor& gradient, const at::Tensor& m, const MuonMomentum& update,
                   const UpdateScale& scale);

/// How a matrix is scaled before an iteration: by max(factor |x|, floor) + added.
struct NormDivisor {
  double factor = 1.0;
  double floor = 0.0;
  double added = 0.0;
};

/// x / max(factor sqrt(square), floor) + added) in place. square: 0-dim fp64, the sum of x's squares. x: fp32 or bf16.
void divide_by_norm(const at::Tensor& x, const at::Tensor& square, const NormDivisor& divisor);

/// a I + b G + c G^2, of a symmetric G.
struct MatrixPolynomial {
  double a = 0.0, b = 0.0, c = 0.0;
};

/// squared_NN: G^2, becomes the polynomial. gram_NN: G. Both fp32 or bf16.
void matrix_polynomial(const at::Tensor& squared_NN, const at::Tensor& gram_NN, const MatrixPolynomial& polynomial);

struct MuonStep {
  double rate = 0.0;    // the factor for the matrix's shape included
  double shrink = 1.0;  // 1 - rate decay
  UpdateChance chance = {};
};

/// p <- shrink p - rate o
///
/// value, orthogonal: flat and equally long, each fp32 or bf16. copy: bf16, gets the new values; undefined: none.
void muon_step(const at::Tensor& value, const at::Tensor& copy, const at::Tensor& orthogonal, const MuonStep& step,
               const at::Tensor& apply);

}  // namespace strata::kernels
