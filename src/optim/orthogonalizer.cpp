#include "orthogonalizer.h"

#include <ATen/ops/tensor.h>

#include <algorithm>
#include <utility>

#include "strata/base/check.h"
#include "strata/base/parameter.h"
#include "strata/kernels/sums.h"

namespace strata::optim {
namespace {

using kernels::MatrixPolynomial;

constexpr int64_t kSteps = 5;

// Keller Jordan's quintic, https://kellerjordan.github.io/posts/muon.
constexpr MatrixPolynomial kNewtonSchulz[kSteps] = {{3.4445, -4.7750, 2.0315},
                                                    {3.4445, -4.7750, 2.0315},
                                                    {3.4445, -4.7750, 2.0315},
                                                    {3.4445, -4.7750, 2.0315},
                                                    {3.4445, -4.7750, 2.0315}};
constexpr kernels::NormDivisor kNewtonSchulzDivisor{.factor = 1.0, .floor = 1e-7};

// Polar Express (arXiv 2505.16932): the best polynomials for singular values from 1e-3 on, with its margins of safety.
constexpr MatrixPolynomial kPolarExpress[kSteps] = {{8.156554524902461, -22.48329292557795, 15.878769915207462},
                                                    {4.042929935166739, -2.808917465908714, 0.5000178451051316},
                                                    {3.8916678022926607, -2.772484153217685, 0.5060648178503393},
                                                    {3.285753657755655, -2.3681294933425376, 0.46449024233003106},
                                                    {2.3465413258596377, -1.7097828382687081, 0.42323551169305323}};
constexpr kernels::NormDivisor kPolarExpressDivisor{.factor = 1.02, .added = 1e-8};

int64_t shorter_side(const MatrixSize& size) { return std::min(size.rows, size.columns); }

at::Tensor table(Allocator& allocator, const char* name, const std::vector<int64_t>& values) {
  const at::Tensor table = allocator.zeros(MemoryClass::kWorkspace, name, {std::ssize(values)}, at::kLong);
  if (!allocator.is_planning()) table.copy_(at::tensor(values, at::kLong));
  return table;
}

}  // namespace

Orthogonalizer::Orthogonalizer(config::Orthogonalization how, const kernels::Gemm& gemm,
                               const std::vector<MatrixSize>& sizes, at::ScalarType dtype, Allocator& allocator)
    : steps_(how == config::Orthogonalization::kNewtonSchulz ? kNewtonSchulz : kPolarExpress),
      divisor_(how == config::Orthogonalization::kNewtonSchulz ? kNewtonSchulzDivisor : kPolarExpressDivisor),
      gemm_(gemm) {
  int64_t largest = 0, longest = 0, most_blocks = 0;
  for (const MatrixSize& size : sizes) {
    largest = std::max(largest, size.count());
    longest = std::max(longest, shorter_side(size));
    if (tables_.contains(size.count())) continue;
    std::vector<int64_t> blocks;
    for (int64_t begin = 0; begin < size.count(); begin += kArenaBlock) {
      blocks.insert(blocks.end(), {begin, std::min(kArenaBlock, size.count() - begin)});
    }
    const int64_t count = std::ssize(blocks) / 2;
    tables_[size.count()] = {table(allocator, "muon's blocks", blocks).view({-1, 2}),
                             table(allocator, "muon's blocks of a matrix", {0, count})};
    most_blocks = std::max(most_blocks, count);
  }
  const auto workspace = [&](const char* name, int64_t count, at::ScalarType type) {
    return allocator.zeros(MemoryClass::kWorkspace, name, {count}, type);
  };
  x_ = workspace("muon's matrix", largest, dtype);
  next_x_ = workspace("muon's next matrix", largest, dtype);
  gram_ = workspace("muon's gram matrix", longest * longest, dtype);
  polynomial_ = workspace("muon's polynomial", longest * longest, dtype);
  squares_B_ = workspace("squares of muon's blocks", most_blocks, at::kFloat);
  square_1_ = workspace("square of muon's matrix", 1, at::kDouble);
}

void Orthogonalizer::divide_by_norm(const at::Tensor& x) const {
  const NormTables& tables = tables_.at(x.numel());
  const at::Tensor squares_B = squares_B_.narrow(0, 0, tables.blocks_B2.size(0));
  kernels::sums_of_squares(squares_B, x, tables.blocks_B2);
  kernels::sums_of_runs(square_1_, squares_B, tables.starts_2);
  kernels::divide_by_norm(x, square_1_, divisor_);
}

at::Tensor Orthogonalizer::orthogonalize(const MatrixSize& size) const {
  const int64_t n = shorter_side(size);
  const bool is_tall = size.rows > size.columns;
  const at::Tensor gram = gram_.narrow(0, 0, n * n).view({n, n}),
                   polynomial = polynomial_.narrow(0, 0, n * n).view({n, n});
  at::Tensor x = input(size).view({size.rows, size.columns});
  at::Tensor next = next_x_.narrow(0, 0, size.count()).view({size.rows, size.columns});
  divide_by_norm(input(size));
  for (const MatrixPolynomial& step : steps_) {
    gemm_.multiply(gram, is_tall ? x.t() : x, is_tall ? x : x.t(), false);
    gemm_.multiply(polynomial, gram, gram, false);
    kernels::matrix_polynomial(polynomial, gram, step);
    gemm_.multiply(next, is_tall ? x : polynomial, is_tall ? polynomial : x, false);
    std::swap(x, next);
  }
  return x.view({-1});
}

double Orthogonalizer::flops(const MatrixSize& size) {
  const auto n = static_cast<double>(shorter_side(size));
  return static_cast<double>(kSteps) * (4.0 * n * static_cast<double>(size.count()) + 2.0 * n * n * n);
}

}  // namespace strata::optim
