// What the program understands of a command line: the only source that sees CLI11.
#include "command.h"

#include <CLI/CLI.hpp>
#include <optional>

#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/base/version.h"

namespace strata::tools {
namespace {

// CLI11 shows it as an enum.
enum class Choice : int {};

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
std::string explain(const CLI::App& program, const std::string& failure, const std::string& first_argument) {
  const std::string command = command_of(program);
  std::string problem = failure.substr(0, failure.find('\n'));
  if (command == program.get_name() && !first_argument.empty() && !first_argument.starts_with('-')) {
    std::vector<std::string> known;
    for (const CLI::App* subcommand : program.get_subcommands({})) known.push_back(subcommand->get_name());
    problem = str("unknown command \"", first_argument, "\"", did_you_mean(first_argument, known),
                  " (known: ", join(known, " "), ")");
  }
  return str(command, ": ", problem, "; ", command, " --help says more");
}

}  // namespace

const Option& Option::required() const {
  option_->required();
  return *this;
}
const Option& Option::positive() const {
  option_->check(CLI::PositiveNumber);
  return *this;
}
const Option& Option::not_negative() const {
  option_->check(CLI::NonNegativeNumber);
  return *this;
}
const Option& Option::range(int64_t lowest, int64_t highest) const {
  option_->check(CLI::Range(lowest, highest));
  return *this;
}
const Option& Option::between(double lowest, double highest) const {
  option_->check(CLI::Range(lowest, highest));
  return *this;
}
const Option& Option::one_of(const std::vector<std::string>& names) const {
  option_->check(CLI::IsMember(names));
  return *this;
}
const Option& Option::with_unit(const std::map<std::string, double>& units) const {
  using Number = CLI::AsNumberWithUnit;
  return option_->transform(Number(units, Number::Options(Number::CASE_INSENSITIVE | Number::UNIT_REQUIRED))), *this;
}
const Option& Option::separated_by(char separator) const {
  option_->delimiter(separator);
  return *this;
}
const Option& Option::only_one_argument() const {
  option_->allow_extra_args(false);
  return *this;
}
const Option& Option::excludes(const Option& other) const {
  option_->excludes(other.option_);
  return *this;
}
const Option& Option::needs(const Option& other) const {
  option_->needs(other.option_);
  return *this;
}
const Option& Option::from_environment(const std::string& variable) const {
  option_->envname(variable);
  return *this;
}
const Option& Option::shows_default() const {
  option_->capture_default_str();
  return *this;
}
const Option& Option::shows_default(const std::string& text) const {
  option_->default_str(text);
  return *this;
}
const Option& Option::shows_type(const std::string& text) const {
  option_->type_name(text);
  return *this;
}
const Option& Option::hidden() const {
  option_->group("");
  return *this;
}

Command Command::add(const std::string& name, const std::string& help) const {
  return Command(*app_->add_subcommand(name, help));
}

void Command::needs_subcommand() const { app_->require_subcommand(1); }

std::vector<std::string> Command::subcommands() const {
  std::vector<std::string> names;
  for (const CLI::App* subcommand : app_->get_subcommands({})) names.push_back(subcommand->get_name());
  return names;
}

template <class T>
Option Command::option(const std::string& names, T& value, const std::string& help) const {
  return Option(*app_->add_option(names, value, help));
}
template Option Command::option(const std::string&, std::string&, const std::string&) const;
template Option Command::option(const std::string&, int&, const std::string&) const;
template Option Command::option(const std::string&, int64_t&, const std::string&) const;
template Option Command::option(const std::string&, uint64_t&, const std::string&) const;
template Option Command::option(const std::string&, double&, const std::string&) const;
template Option Command::option(const std::string&, std::optional<int64_t>&, const std::string&) const;
template Option Command::option(const std::string&, std::vector<int>&, const std::string&) const;
template Option Command::option(const std::string&, std::vector<std::string>&, const std::string&) const;

Option Command::flag(const std::string& names, bool& value, const std::string& help) const {
  return Option(*app_->add_flag(names, value, help));
}

Option Command::choice(const std::string& names, const std::map<std::string, int>& values,
                       const std::function<void(int)>& set, const std::string& help) const {
  std::map<std::string, Choice> choices;
  for (const auto& [name, number] : values) choices.emplace(name, Choice{number});
  const auto take = [set](const Choice& choice) { set(static_cast<int>(choice)); };
  CLI::Option* option = app_->add_option_function<Choice>(names, take, help);
  return Option(*option->transform(CLI::CheckedTransformer(choices)));
}

void Command::refuse(const std::string& names, const std::string& message) const {
  const auto fail = [message](const std::string&) { throw UsageError(message); };
  app_->add_option_function<std::string>(names, fail)->group("")->expected(0, 1);
}

void Command::positionals_at_end() const { app_->positionals_at_end(); }
void Command::footer(const std::string& text) const { app_->footer(text); }
void Command::footer(const std::function<std::string()>& text) const { app_->footer(text); }
void Command::run(const std::function<void()>& callback) const { app_->callback(callback); }
bool Command::given(const std::string& option) const { return app_->count(option) > 0; }

void throw_missing(const std::string& argument) { throw CLI::RequiredError(argument); }

int run_command_line(int argc, char** argv, const std::vector<void (*)(const Command&)>& commands) {
  CLI::App program{"Strata pretrains LLaMA-style decoders and compares ways of normalising them.", "strata"};
  program.set_version_flag("--version", "strata " + version());
  program.require_subcommand(1);
  for (const auto add : commands) add(Command(program));
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& failure) {
    if (failure.get_exit_code() == 0) return program.exit(failure);  // --help, --version
    throw UsageError(explain(program, failure.what(), argc > 1 ? argv[1] : ""));
  }
  return 0;
}

}  // namespace strata::tools
