// strata bench: how fast this machine computes.
#include "command.h"

namespace strata::tools {

void add_bench(CLI::App& program) {
  CLI::App* bench = program.add_subcommand("bench", "measure a training step or the matrix libraries");
  bench->require_subcommand(1);
  add_bench_step(*bench);
  add_bench_gemm(*bench);
}

}  // namespace strata::tools
