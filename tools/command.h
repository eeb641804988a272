#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "strata/config/enums.h"

namespace CLI {  // NOLINT(readability-identifier-naming): the name that CLI11 has
class App;
class Option;
}  // namespace CLI

// Each subcommand lives in its own file, adds itself to the program with one of the functions below, and runs in its
// callback. CLI11, which reads the command line, is seen by command.cpp and command_line.cpp alone: it takes long to
// compile.
namespace strata::tools {

/// Thrown where a run ends early because it was asked to, after saving; and where workers have told why they failed.
struct Stopped {
  int exit_code = 0;
};

/// An option or positional argument; what is called says what values it takes, and how help shows it.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(&option) {}

  const Option& required() const;
  const Option& positive() const;
  const Option& not_negative() const;
  const Option& range(int64_t lowest, int64_t highest) const;
  const Option& between(double lowest, double highest) const;
  const Option& one_of(const std::vector<std::string>& names) const;
  /// A number with one of these units behind it, in any case: 5GB.
  const Option& with_unit(const std::map<std::string, double>& units) const;
  /// One argument holds several values, and a second argument is not this option's any more.
  const Option& separated_by(char separator) const;
  const Option& only_one_argument() const;
  const Option& excludes(const Option& other) const;
  const Option& needs(const Option& other) const;
  /// Where it is not given, this variable of the environment is asked.
  const Option& from_environment(const std::string& variable) const;

  const Option& shows_default() const;  // the value that it has now
  const Option& shows_default(const std::string& text) const;
  const Option& shows_type(const std::string& text) const;
  const Option& hidden() const;

 private:
  CLI::Option* option_;
};

/// The program, or a subcommand of it. A copy is the same one. What options write to must live until it has run.
class Command {
 public:
  explicit Command(CLI::App& app) : app_(&app) {}

  Command add(const std::string& name, const std::string& help) const;
  /// One of those that are added has to be named.
  void needs_subcommand() const;
  std::vector<std::string> subcommands() const;
  /// The names of a subcommand's options, as they are written, without those that help does not show.
  std::vector<std::string> options_of(const std::string& subcommand) const;

  /// T: std::string, bool's numbers, or a vector or std::optional of them (command.cpp lists them). Names that begin
  /// with - are options, others positional arguments.
  template <class T>
  Option option(const std::string& names, T& value, const std::string& help = "") const;
  Option flag(const std::string& names, bool& value, const std::string& help) const;
  /// value: an enum or a std::optional of one, of which these names are taken.
  template <class T, class E>
  Option choice(const std::string& names, T& value, const std::map<std::string, E>& values,
                const std::string& help) const {
    std::map<std::string, int> numbers;
    for (const auto& [name, number] : values) numbers.emplace(name, static_cast<int>(number));
    return choice(
        names, numbers, [&value](int number) { value = static_cast<E>(number); }, help);
  }
  /// An option, not shown in help, that throws UsageError with this message.
  void refuse(const std::string& names, const std::string& message) const;

  /// Options may follow positional arguments no more.
  void positionals_at_end() const;
  void footer(const std::string& text) const;
  void run(const std::function<void()>& callback) const;
  bool given(const std::string& option) const;

 private:
  Option choice(const std::string& names, const std::map<std::string, int>& values, const std::function<void(int)>& set,
                const std::string& help) const;

  CLI::App* app_;
};

/// The values of a key's enum by name.
template <config::NamedEnum E>
std::map<std::string, E> by_name() {
  std::map<std::string, E> values;
  int next = 0;
  for (const std::string_view name : enum_names(E{})) values.emplace(name, static_cast<E>(next++));
  return values;
}

/// From a callback: an argument that is needed here was not given.
[[noreturn]] void throw_missing(const std::string& argument);

/// Commands that serve one purpose, under whose name help lists them.
struct Purpose {
  std::string name;
  std::vector<void (*)(const Command&)> commands;
};

std::vector<Purpose> purposes();  // all of them
std::vector<std::string> command_names(const std::vector<Purpose>& purposes);

/// Reads the command line and runs what it names; every command takes --quiet too. Throws UsageError, in one line,
/// where it cannot be understood. Gives the exit code: 0, or 2 after the list of commands for a command line without
/// one.
int run_command_line(int argc, char** argv, const std::vector<Purpose>& purposes);

void add_analyze(const Command& program);
void add_bench(const Command& program);
void add_compare(const Command& program);
void add_completion(const Command& program);
void add_doctor(const Command& program);
void add_encode(const Command& program);  // and decode
void add_eval(const Command& program);
void add_export(const Command& program);
void add_generate(const Command& program);
void add_import(const Command& program);
void add_init(const Command& program);
void add_inspect(const Command& program);
void add_launch(const Command& program);
void add_lists(const Command& program);  // schemes and tasks
void add_plan(const Command& program);
void add_pretrain(const Command& program);
void add_quickstart(const Command& program);
void add_report(const Command& program);
void add_sft(const Command& program);
void add_sweep(const Command& program);
void add_tokenize(const Command& program);
void add_trace(const Command& program);
void add_train_tokenizer(const Command& program);

}  // namespace strata::tools
