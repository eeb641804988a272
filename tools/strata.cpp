// The program: collects the subcommands, runs one, and turns what it throws into a line and an exit code.
#include <malloc.h>

#include <exception>

#include "command.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/base/version.h"

namespace {

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

// A message may carry a stack trace behind its first line.
std::string first_line(const std::string& message) { return message.substr(0, message.find('\n')); }

// "strata bench step", as far as the command line was understood.
std::string command_of(const CLI::App& program) {
  std::string command = program.get_name();
  for (const CLI::App* app = &program; !app->get_subcommands().empty();) {
    app = app->get_subcommands().front();
    command += " " + app->get_name();
  }
  return command;
}

// What is wrong with the command line, in one line.
std::string explain(const CLI::App& program, const CLI::ParseError& failure, const std::string& first_argument) {
  const std::string command = command_of(program);
  std::string problem = first_line(failure.what());
  if (command == program.get_name() && !first_argument.empty() && !first_argument.starts_with('-')) {
    std::vector<std::string> known;
    for (const CLI::App* subcommand : program.get_subcommands({})) known.push_back(subcommand->get_name());
    problem = strata::str("unknown command \"", first_argument, "\"", strata::did_you_mean(first_argument, known),
                          " (known: ", strata::join(known, " "), ")");
  }
  return strata::str(command, ": ", problem, "; ", command, " --help says more");
}

// Large blocks go back to the system as soon as they are freed, so that what is resident is what is in use.
void return_large_blocks() {
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 8 << 20);
}

int run(int argc, char** argv) {
  CLI::App program{"Strata pretrains LLaMA-style decoders and compares ways of normalising them.", "strata"};
  program.set_version_flag("--version", "strata " + strata::version());
  program.require_subcommand(1);
  for (const auto add :
       {&strata::tools::add_pretrain, &strata::tools::add_sft, &strata::tools::add_plan, &strata::tools::add_tokenize,
        &strata::tools::add_train_tokenizer, &strata::tools::add_encode, &strata::tools::add_eval,
        &strata::tools::add_generate, &strata::tools::add_inspect, &strata::tools::add_export,
        &strata::tools::add_import, &strata::tools::add_init, &strata::tools::add_trace, &strata::tools::add_bench,
        &strata::tools::add_doctor, &strata::tools::add_launch}) {
    add(program);
  }
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& failure) {
    if (failure.get_exit_code() == 0) return program.exit(failure);  // --help, --version
    throw strata::UsageError(explain(program, failure, argc > 1 ? argv[1] : ""));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return_large_blocks();
  try {
    return run(argc, argv);
  } catch (const strata::tools::Stopped& stopped) {
    return stopped.exit_code;
  } catch (const strata::UsageError& failure) {
    strata::log::error(first_line(failure.what()));
    return kWrongUsage;
  } catch (const std::exception& failure) {
    strata::log::error(first_line(failure.what()));
    return kFailed;
  }
}
