// What the program understands of a command line, and what it says to what it does not.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <iostream>
#include <ranges>
#include <sstream>

#include "command.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/base/version.h"

namespace strata::tools {
namespace {

// Where stdout is no terminal.
constexpr size_t kColumnsOfHelp = 80;

// What people write for commands that are called otherwise here.
constexpr auto kOtherNames = std::to_array<std::pair<std::string_view, std::string_view>>({{"train", "pretrain"},
                                                                                           {"finetune", "sft"},
                                                                                           {"fine-tune", "sft"},
                                                                                           {"evaluate", "eval"},
                                                                                           {"test", "eval"},
                                                                                           {"sample", "generate"},
                                                                                           {"chat", "generate"},
                                                                                           {"infer", "generate"},
                                                                                           {"run", "launch"},
                                                                                           {"torchrun", "launch"},
                                                                                           {"convert", "import"},
                                                                                           {"show", "inspect"},
                                                                                           {"info", "doctor"},
                                                                                           {"env", "doctor"},
                                                                                           {"benchmark", "bench"}});

// "strata bench step", as far as the command line was understood.
std::string command_of(const CLI::App& program) {
  std::string command = program.get_name();
  for (const CLI::App* app = &program; !app->get_subcommands().empty();) {
    app = app->get_subcommands().front();
    command += " " + app->get_name();
  }
  return command;
}

std::string unknown_command(const CLI::App& program, const std::string& name) {
  std::vector<std::string> known;
  for (const CLI::App* subcommand : program.get_subcommands({})) known.push_back(subcommand->get_name());
  const auto* other = std::ranges::find(kOtherNames, name, &std::pair<std::string_view, std::string_view>::first);
  const std::string meant =
      other == kOtherNames.end() ? did_you_mean(name, known) : str("; it is called \"", other->second, "\" here");
  return str("unknown command \"", name, "\"", meant, " (known: ", join(known, " "), ")");
}

// What is wrong with the command line, in one line.
std::string explain(const CLI::App& program, const std::string& failure, const std::string& first_argument) {
  const std::string command = command_of(program);
  const bool is_unknown = command == program.get_name() && !first_argument.empty() && !first_argument.starts_with('-');
  const std::string problem =
      is_unknown ? unknown_command(program, first_argument) : failure.substr(0, failure.find('\n'));
  return str(command, ": ", problem, "; ", command, " --help says more");
}

// A list of commands says of each what stands before the first semicolon: lines of 80 columns.
class ShortList final : public CLI::Formatter {
 public:
  ShortList() { column_width(18); }

  std::string make_subcommand(const CLI::App* command) const override {
    const std::string help = command->get_description();
    std::stringstream line;
    CLI::detail::format_help(line, command->get_name(), help.substr(0, help.find(';')), get_column_width());
    return line.str();
  }
};

void say_commands(const CLI::App& program, std::ostream& out) {
  out << program.get_formatter()->make_help(&program, program.get_name(), CLI::AppFormatMode::Normal) << std::flush;
}

// `strata help` and `strata help COMMAND`, as --help.
void add_help(CLI::App& program) {
  CLI::App* help = program.add_subcommand("help", "what a command does, and its options")->group("Look");
  const auto command = std::make_shared<std::string>();
  help->add_option("command", *command);
  help->callback([&program, command] {
    const auto named = program.get_subcommands([&](const CLI::App* app) { return app->get_name() == *command; });
    if (named.empty() && !command->empty()) throw UsageError("strata help: " + unknown_command(program, *command));
    if (named.empty()) return say_commands(program, std::cout);
    log::show(named.front()->help(program.get_name()), kColumnsOfHelp);
  });
}

void add_commands(CLI::App& program, const std::vector<Purpose>& purposes) {
  for (const Purpose& purpose : purposes) {
    const auto before = std::ssize(program.get_subcommands({}));
    for (const auto add : purpose.commands) add(Command(program));
    for (CLI::App* command : program.get_subcommands({}) | std::views::drop(before)) command->group(purpose.name);
  }
  add_help(program);
}

}  // namespace

std::vector<std::string> command_names(const std::vector<Purpose>& purposes) {
  CLI::App program;
  add_commands(program, purposes);
  return Command(program).subcommands();
}

int run_command_line(int argc, char** argv, const std::vector<Purpose>& purposes) {
  CLI::App program{"Strata pretrains LLaMA-style decoders and compares ways of normalising them.", "strata"};
  program.set_version_flag("-V,--version", "strata " + version());
  program.require_subcommand(1);
  add_commands(program, purposes);
  program.formatter(std::make_shared<ShortList>());
  if (argc < 2) {
    say_commands(program, std::cerr);
    return 2;
  }
  try {
    program.parse(argc, argv);
    STRATA_CHECK(std::cout.flush(), "cannot write to stdout");
  } catch (const CLI::ParseError& failure) {
    if (failure.get_exit_code() == 0) {  // --help, --version
      std::stringstream answer;
      const int code = program.exit(failure, answer);
      log::show(answer.str(), kColumnsOfHelp);
      return code;
    }
    throw UsageError(explain(program, failure.what(), argc > 1 ? argv[1] : ""));
  }
  return 0;
}

}  // namespace strata::tools
