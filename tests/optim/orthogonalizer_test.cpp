// Newton-Schulz and Polar Express against those of torch, Keller Jordan and dion in fp64: tests/golden2/README.md.
#include "optim/orthogonalizer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "strata/base/threads.h"
#include "strata/io/json.h"
#include "strata/io/safetensors.h"
#include "support/golden.h"

namespace strata::optim {
namespace {

using config::Orthogonalization;

at::Tensor orthogonal(const at::Tensor& matrix, Orthogonalization how, at::ScalarType dtype = at::kFloat) {
  const auto gemm = kernels::make_gemm("tiles");
  const MatrixSize size{matrix.size(0), matrix.size(1)};
  Allocator memory(at::kCPU);
  const Orthogonalizer orthogonalizer(how, *gemm, {{3, 7}, size, {33, 2}}, dtype, memory);
  orthogonalizer.input(size).copy_(matrix.reshape({-1}));
  return orthogonalizer.orthogonalize(size).view(matrix.sizes()).clone();
}

double off(const at::Tensor& ours, const at::Tensor& golden) { return (ours - golden).abs().max().item<double>(); }

class GoldenMatrix : public testing::TestWithParam<std::string> {};

// torch divides by max(norm, 1e-7), Keller by norm + 1e-7: where these differ the file has both.
TEST_P(GoldenMatrix, IsMadeAsOrthogonalAsByTheOriginals) {
  const auto file = io::SafetensorsFile::open(strata::test::golden2() / "muon/orthogonal.safetensors");
  const at::Tensor in = file.tensor("in." + GetParam());
  const std::string torchs = "torch5." + GetParam();
  const at::Tensor newton_schulz = file.tensor(file.contains(torchs) ? torchs : "keller5." + GetParam());
  const at::Tensor polar = file.tensor("polar." + GetParam());
  EXPECT_LT(off(orthogonal(in, Orthogonalization::kNewtonSchulz), newton_schulz), 2e-5);
  EXPECT_LT(off(orthogonal(in, Orthogonalization::kPolarExpress), polar), 5e-5);
  for (const Orthogonalization how : {Orthogonalization::kNewtonSchulz, Orthogonalization::kPolarExpress}) {
    const at::Tensor rounded = orthogonal(in, how, at::kBFloat16).to(at::kFloat);
    EXPECT_LT(off(rounded, orthogonal(in, how)), 0.7) << "in bf16";  // its noise grows where singular values are nought
  }
}

std::vector<std::string> cases() {
  std::vector<std::string> names;
  const auto golden = io::read_json(strata::test::golden2() / "muon/orthogonal.json");
  for (const auto& one : golden.at("cases")) {
    names.push_back(one.at("name").get<std::string>());
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(All, GoldenMatrix, testing::ValuesIn(cases()), [](const auto& info) { return info.param; });

TEST(Orthogonalizer, LeavesNoughtAsItIs) {
  for (const Orthogonalization how : {Orthogonalization::kNewtonSchulz, Orthogonalization::kPolarExpress}) {
    EXPECT_TRUE(at::equal(orthogonal(at::zeros({5, 8}), how), at::zeros({5, 8})));
  }
}

// A matrix with zeros around it is made orthogonal as it is without them, and they stay.
TEST(Orthogonalizer, LeavesPaddingAsItIs) {
  const auto file = io::SafetensorsFile::open(strata::test::golden2() / "muon/orthogonal.safetensors");
  const at::Tensor in = file.tensor("in.tall");
  const at::Tensor padded = at::zeros({in.size(0) + 5, in.size(1) + 3});
  const auto inner = [&](const at::Tensor& all) { return all.narrow(0, 0, in.size(0)).narrow(1, 0, in.size(1)); };
  inner(padded).copy_(in);
  const at::Tensor result = orthogonal(padded, Orthogonalization::kNewtonSchulz);
  EXPECT_LT(off(inner(result), orthogonal(in, Orthogonalization::kNewtonSchulz)), 2e-6);
  inner(result).zero_();
  EXPECT_TRUE(at::equal(result, at::zeros_like(padded)));
}

// Whatever was before it, and however many threads compute.
TEST(Orthogonalizer, GivesTheSameBitsAgain) {
  const auto file = io::SafetensorsFile::open(strata::test::golden2() / "muon/orthogonal.safetensors");
  const at::Tensor in = file.tensor("in.wide");
  const int threads = num_threads();
  set_num_threads(1);
  const at::Tensor alone = orthogonal(in, Orthogonalization::kPolarExpress);
  set_num_threads(2);
  EXPECT_TRUE(at::equal(orthogonal(in, Orthogonalization::kPolarExpress), alone));
  set_num_threads(threads);

  const auto gemm = kernels::make_gemm("tiles");
  const MatrixSize wide{in.size(0), in.size(1)}, other{in.size(1), in.size(0) + 4};
  Allocator memory(at::kCPU);
  const Orthogonalizer both(Orthogonalization::kPolarExpress, *gemm, {wide, other}, at::kFloat, memory);
  both.input(other).fill_(3.0);
  both.orthogonalize(other);
  both.input(wide).copy_(in.reshape({-1}));
  EXPECT_TRUE(at::equal(both.orthogonalize(wide), alone.view({-1})));
}

TEST(Orthogonalizer, CountsItsProducts) {
  // Each of five steps: G = X X^T, G G, and P X.
  EXPECT_EQ(Orthogonalizer::flops({3, 7}), 5.0 * 2.0 * (3 * 3 * 7 + 3 * 3 * 3 + 3 * 3 * 7));
  EXPECT_EQ(Orthogonalizer::flops({7, 3}), Orthogonalizer::flops({3, 7}));
}

}  // namespace
}  // namespace strata::optim
