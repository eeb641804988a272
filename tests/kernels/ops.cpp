#include "ops.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Generator.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/isnan.h>

#include <limits>

#include "strata/base/threads.h"
#include "support/ways_to_run.h"

namespace strata::test {

double unit_of(at::ScalarType dtype) { return dtype == at::kFloat ? kUnitFp32 : 0x1p-8; }

double sum_error(int64_t terms) { return (static_cast<double>(terms) / 16.0 + 12.0) * kUnitFp32; }

std::string name_of(at::ScalarType dtype) { return dtype == at::kFloat ? "fp32" : "bf16"; }

at::Tensor uniform(at::IntArrayRef shape, at::ScalarType dtype, uint64_t seed, double low, double high) {
  return at::empty(shape, at::kDouble).uniform_(low, high, at::detail::createCPUGenerator(seed)).to(dtype);
}

at::Tensor wide(const at::Tensor& tensor) { return tensor.detach().to(at::kDouble, false, true); }

at::Tensor leaf(const at::Tensor& tensor) { return wide(tensor).set_requires_grad(true); }

double max_abs(const at::Tensor& tensor) { return tensor.numel() == 0 ? 0.0 : wide(tensor).abs().max().item<double>(); }

double max_error(const at::Tensor& ours, const at::Tensor& reference) {
  if (!at::equal(at::isnan(ours), at::isnan(reference))) return std::numeric_limits<double>::infinity();
  return max_abs((wide(ours) - wide(reference)).nan_to_num(0.0));
}

void expect_same_bits_on_all_threads(const std::function<std::vector<at::Tensor>()>& f) {
  const int threads = num_threads();
  set_num_threads(1);
  const std::vector<at::Tensor> expected = f();
  const auto expect_same = [&](const std::string& how) {
    const std::vector<at::Tensor> results = f();
    ASSERT_EQ(results.size(), expected.size());
    for (size_t i = 0; i < results.size(); ++i)
      EXPECT_TRUE(at::equal(results[i], expected[i])) << how << ", result " << i;
  };
  for (size_t way = 0; way < ways_to_run().size(); ++way) {
    ways_to_run()[way]([&] { expect_same("way to run " + std::to_string(way)); });
  }
  set_num_threads(2);
  expect_same("two threads");
  set_num_threads(threads);
}

}  // namespace strata::test
