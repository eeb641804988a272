// strata bench gemm: every matrix library on the products of a training step.
#include <ATen/Parallel.h>

#include <iostream>

#include "command.h"
#include "runtime.h"
#include "strata/base/check.h"
#include "strata/base/table.h"
#include "strata/base/text.h"

namespace strata::tools {
namespace {

struct Product {
  int64_t m, k, n;
};

// At 71m with 8 rows: feed-forward in, attention in, feed-forward out, a weight's gradient, head; then a larger one.
constexpr Product kProducts[] = {{1560, 512, 2736}, {1560, 512, 1536}, {1560, 1368, 512},
                                 {512, 1560, 2736}, {256, 512, 32000}, {2048, 1024, 2736}};

void run(const config::RunSettings& settings) {
  set_threads(settings);
  std::vector<Table::Column> columns{{"GFLOP/s"}};
  for (const auto& [m, k, n] : kProducts) columns.push_back({str(m, "x", k, "x", n), Table::Align::kRight});
  Table table(std::move(columns));
  for (const std::string& name : kernels::available_gemms()) {
    const auto gemm = kernels::make_gemm(name);
    std::vector<std::string> cells{name};
    for (const auto& [m, k, n] : kProducts) cells.push_back(fixed(kernels::measure_gemm(*gemm, m, n, k), 0));
    table.add(std::move(cells));
  }
  std::cout << "fp32, " << at::get_num_threads() << " threads, best of a few runs; M x K x N\n" << table.text();
}

}  // namespace

void add_bench_gemm(CLI::App& bench) {
  const auto settings = std::make_shared<config::RunSettings>();
  CLI::App* command = bench.add_subcommand("gemm", "GFLOP/s of every matrix library on the products of a step");
  command->add_option("--threads", settings->threads, "0: all cores")->check(CLI::NonNegativeNumber);
  command->callback([settings] { run(*settings); });
}

}  // namespace strata::tools
