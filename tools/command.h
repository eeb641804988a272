#pragma once

#include <CLI/CLI.hpp>

// Each subcommand lives in its own file, adds itself to the program with one of these, and runs in its callback.
namespace strata::tools {

/// Thrown where a run ends early because it was asked to, after saving; and where workers have told why they failed.
struct Stopped {
  int exit_code = 0;
};

void add_bench(CLI::App& program);
void add_doctor(CLI::App& program);
void add_encode(CLI::App& program);  // and decode
void add_eval(CLI::App& program);
void add_export(CLI::App& program);
void add_generate(CLI::App& program);
void add_import(CLI::App& program);
void add_init(CLI::App& program);
void add_inspect(CLI::App& program);
void add_launch(CLI::App& program);
void add_plan(CLI::App& program);
void add_pretrain(CLI::App& program);
void add_sft(CLI::App& program);
void add_tokenize(CLI::App& program);
void add_trace(CLI::App& program);
void add_train_tokenizer(CLI::App& program);

// Of `strata bench`.
void add_bench_collectives(CLI::App& bench);
void add_bench_gemm(CLI::App& bench);
void add_bench_kernels(CLI::App& bench);
void add_bench_step(CLI::App& bench);

}  // namespace strata::tools
