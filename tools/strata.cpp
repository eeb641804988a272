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
  for (const auto add :
       {&strata::tools::add_pretrain, &strata::tools::add_tokenize, &strata::tools::add_train_tokenizer,
        &strata::tools::add_encode, &strata::tools::add_inspect, &strata::tools::add_init, &strata::tools::add_trace,
        &strata::tools::add_bench, &strata::tools::add_doctor}) {
    add(program);
  }
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
  } catch (const strata::tools::Stopped& stopped) {
    return stopped.exit_code;
  } catch (const strata::UsageError& failure) {
    strata::log::error(failure.what());
    return kWrongUsage;
  } catch (const std::exception& failure) {
    strata::log::error(failure.what());
    return kFailed;
  }
}
