// strata bench gemm: every matrix library on the products of a forward pass; on a GPU each type of numbers.
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>

#include <iostream>

#include "bench.h"
#include "strata/base/check.h"
#include "strata/base/table.h"
#include "strata/base/text.h"
#include "strata/base/threads.h"
#include "strata/kernels/gemm.h"
#include "strata/run/device.h"
#include "timing.h"

namespace strata::tools {
namespace {

struct Product {
  int64_t m, k, n;
};

// At 71m, outputs of its weights for 8 rows, for one row and for a few tokens; then of a larger model's.
constexpr Product kProducts[] = {{1560, 512, 2736}, {1560, 1368, 512}, {256, 512, 32000},
                                 {195, 512, 2736},  {16, 512, 2736},   {2048, 1024, 2736}};

// Micro-batches of 71m, 350m, 1b (its feed-forward of 5,461, and padded as it lies in the arenas) and 7b.
constexpr Product kProductsOfGpus[] = {{8192, 512, 1536},   {8192, 512, 2736},   {8192, 1368, 512},
                                       {8192, 512, 32000},  {8192, 1024, 5472},  {8192, 2736, 1024},
                                       {8192, 2048, 10922}, {8192, 2048, 11008}, {8192, 5461, 2048},
                                       {8192, 5504, 2048},  {4096, 4096, 22016}, {4096, 11008, 4096}};

// As a model multiplies: by a weight that is stored [out, in].
double gflops(const kernels::Gemm& gemm, const Product& size, const at::TensorOptions& options) {
  const at::Tensor in = at::ones({size.m, size.k}, options);
  const at::Tensor weight = at::ones({size.n, size.k}, options);
  const at::Tensor out = at::empty({size.m, size.n}, options);
  const double seconds = seconds_of([&] { gemm.multiply(out, in, weight.t(), false); }, options.device());
  return 2e-9 * static_cast<double>(size.m * size.n * size.k) / seconds;
}

std::string text_of(const Product& size) { return str(size.m, "x", size.k, "x", size.n); }

Table table_of_cpu() {
  std::vector<Table::Column> columns{{"GFLOP/s"}};
  for (const Product& size : kProducts) columns.push_back({text_of(size), Table::Align::kRight});
  Table table(std::move(columns));
  for (const std::string& name : kernels::available_gemms()) {
    const auto gemm = kernels::make_gemm(name);
    std::vector<std::string> cells{name};
    for (const Product& size : kProducts) cells.push_back(fixed(gflops(*gemm, size, at::kFloat), 0));
    table.add(std::move(cells));
  }
  return table;
}

Table table_of_gpu(const at::Device& device) {
  const auto gemm = kernels::make_cuda_gemm();
  const auto tflops = [&](const Product& size, at::ScalarType dtype) {
    return fixed(1e-3 * gflops(*gemm, size, at::TensorOptions(device).dtype(dtype)), 1);
  };
  Table table({{"TFLOP/s"}, {"bf16", Table::Align::kRight}, {"fp32", Table::Align::kRight}});
  for (const Product& size : kProductsOfGpus) {
    table.add({text_of(size), tflops(size, at::kBFloat16), tflops(size, at::kFloat)});
  }
  return table;
}

void run(const config::RunSettings& settings) {
  run::set_threads(settings);
  const run::RunDevice device = run::open_device(settings);
  const Table table = device.cuda ? table_of_gpu(device.device) : table_of_cpu();
  std::cout << (device.cuda ? device.name() : str("fp32, ", num_threads(), " threads"))
            << ", best of a few runs; M x K times (N x K) transposed\n"
            << table.text();
}

}  // namespace

void add_bench_gemm(const Command& bench) {
  const auto settings = std::make_shared<config::RunSettings>(config::RunSettings{.device = config::Device::kCpu});
  const Command command = bench.add("gemm", "GFLOP/s of every matrix library on the products of a step");
  command.choice("--device", settings->device, by_name<config::Device>(), "what computes");
  command.option("--threads", settings->threads, "of the CPU; 0: all cores").not_negative();
  command.run([settings] { run(*settings); });
}

}  // namespace strata::tools
