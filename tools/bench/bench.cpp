// strata bench: how fast this machine computes and moves what it computed.
#include "bench.h"

namespace strata::tools {

void add_bench(const Command& program) {
  const Command bench = program.add("bench", "measure steps, matrix libraries, kernels, collectives, reading");
  bench.needs_subcommand();
  add_bench_step(bench);
  add_bench_gemm(bench);
  add_bench_kernels(bench);
  add_bench_launches(bench);
  add_bench_collectives(bench);
  add_bench_reading(bench);
}

}  // namespace strata::tools
