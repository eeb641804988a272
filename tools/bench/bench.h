#pragma once

#include "../command.h"

// The subcommands of `strata bench`.
namespace strata::tools {

void add_bench_collectives(const Command& bench);
void add_bench_gemm(const Command& bench);
void add_bench_launches(const Command& bench);
void add_bench_kernels(const Command& bench);
void add_bench_reading(const Command& bench);
void add_bench_step(const Command& bench);

}  // namespace strata::tools
