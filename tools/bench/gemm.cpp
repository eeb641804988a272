// strata bench gemm: every matrix library on the products of a forward pass.
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

// As a model multiplies: by a weight that is stored [out, in].
double gflops(const kernels::Gemm& gemm, const Product& size) {
  const at::Tensor in = at::ones({size.m, size.k});
  const at::Tensor weight = at::ones({size.n, size.k});
  const at::Tensor out = at::empty({size.m, size.n});
  const double seconds = seconds_of([&] { gemm.multiply(out, in, weight.t(), false); }, at::kCPU);
  return 2e-9 * static_cast<double>(size.m * size.n * size.k) / seconds;
}

void run(const config::RunSettings& settings) {
  run::set_threads(settings);
  std::vector<Table::Column> columns{{"GFLOP/s"}};
  for (const auto& [m, k, n] : kProducts) columns.push_back({str(m, "x", k, "x", n), Table::Align::kRight});
  Table table(std::move(columns));
  for (const std::string& name : kernels::available_gemms()) {
    const auto gemm = kernels::make_gemm(name);
    std::vector<std::string> cells{name};
    for (const Product& size : kProducts) cells.push_back(fixed(gflops(*gemm, size), 0));
    table.add(std::move(cells));
  }
  std::cout << "fp32, " << num_threads() << " threads, best of a few runs; M x K times (N x K) transposed\n"
            << table.text();
}

}  // namespace

void add_bench_gemm(const Command& bench) {
  const auto settings = std::make_shared<config::RunSettings>();
  const Command command = bench.add("gemm", "GFLOP/s of every matrix library on the products of a step");
  command.option("--threads", settings->threads, "0: all cores").not_negative();
  command.run([settings] { run(*settings); });
}

}  // namespace strata::tools
