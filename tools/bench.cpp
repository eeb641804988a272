// strata bench: how fast this machine computes and moves what it computed.
#include "command.h"

namespace strata::tools {

void add_bench(CLI::App& program) {
  CLI::App* bench = program.add_subcommand(
      "bench", "measure a training step, the matrix libraries, the kernels, or workers' collectives");
  bench->require_subcommand(1);
  add_bench_step(*bench);
  add_bench_gemm(*bench);
  add_bench_kernels(*bench);
  add_bench_collectives(*bench);
}

}  // namespace strata::tools
