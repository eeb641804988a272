#pragma once

#include <CLI/CLI.hpp>

// Each subcommand lives in its own file, adds itself to the program with one of these, and runs in its callback.
namespace strata::tools {

void add_doctor(CLI::App& program);
void add_trace(CLI::App& program);
void add_encode(CLI::App& program);  // and decode
void add_tokenize(CLI::App& program);
void add_train_tokenizer(CLI::App& program);

}  // namespace strata::tools
