// The program: collects the subcommands, runs one, and turns what it throws into a line and an exit code.
#include <exception>

#include "command.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/version.h"

namespace {

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

int run(int argc, char** argv) {
  CLI::App program{"Strata pretrains LLaMA-style decoders and compares ways of normalising them.", "strata"};
  program.set_version_flag("--version", "strata " + strata::version());
  program.require_subcommand(1);
  strata::tools::add_doctor(program);
  strata::tools::add_trace(program);
  strata::tools::add_encode(program);
  strata::tools::add_tokenize(program);
  strata::tools::add_train_tokenizer(program);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& failure) {
    return program.exit(failure) == 0 ? 0 : kWrongUsage;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const strata::UsageError& failure) {
    strata::log::error(failure.what());
    return kWrongUsage;
  } catch (const std::exception& failure) {
    strata::log::error(failure.what());
    return kFailed;
  }
}
