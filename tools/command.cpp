// Commands and options on top of CLI11.
#include "command.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <optional>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"

namespace strata::tools {

namespace {

// Of numbers: not of what compares with nothing (nan).
CLI::Validator number_check(const std::string& rule, const std::function<bool(double)>& holds) {
  const auto check = [rule, holds](std::string& text) -> std::string {
    double number = 0.0;
    if (!CLI::detail::lexical_cast(text, number)) return str("expected a number, got ", text);
    return holds(number) ? "" : str("must be ", rule, ", got ", text);
  };
  return {check, ""};
}

}  // namespace

const Option& Option::required() const {
  option_->required();
  return *this;
}
const Option& Option::positive() const {
  option_->check(number_check("above 0", [](double number) { return number > 0.0 && std::isfinite(number); }));
  return *this;
}
const Option& Option::not_negative() const {
  option_->check(number_check("0 or more", [](double number) { return number >= 0.0 && std::isfinite(number); }));
  return *this;
}
const Option& Option::range(int64_t lowest, int64_t highest) const {
  return between(static_cast<double>(lowest), static_cast<double>(highest));
}
const Option& Option::between(double lowest, double highest) const {
  option_->check(number_check(str("from ", lowest, " to ", highest),
                              [=](double number) { return number >= lowest && number <= highest; }));
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
  CLI::App* command = app_->add_subcommand(name, help);
  command->add_flag_callback("--quiet", log::quiet, "say results, warnings and errors only");
  return Command(*command);
}

void Command::needs_subcommand() const { app_->require_subcommand(1); }

std::vector<std::string> Command::subcommands() const {
  std::vector<std::string> names;
  for (const CLI::App* subcommand : app_->get_subcommands({})) names.push_back(subcommand->get_name());
  return names;
}

std::vector<std::string> Command::options_of(const std::string& subcommand) const {
  std::vector<std::string> names;
  for (const CLI::Option* option : app_->get_subcommand(subcommand)->get_options()) {
    if (option->get_group().empty()) continue;
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
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
template Option Command::option(const std::string&, std::vector<int64_t>&, const std::string&) const;
template Option Command::option(const std::string&, std::vector<std::string>&, const std::string&) const;

Option Command::flag(const std::string& names, bool& value, const std::string& help) const {
  return Option(*app_->add_flag(names, value, help));
}

Option Command::choice(const std::string& names, const std::map<std::string, int>& values,
                       const std::function<void(int)>& set, const std::string& help) const {
  std::vector<std::string> known;
  for (const auto& [name, number] : values) known.push_back(name);
  const auto to_number = [values, known](std::string& text) -> std::string {
    const auto found = values.find(text);
    if (found == values.end()) {
      return str("\"", text, "\" is unknown", did_you_mean(text, known), " (known: ", join(known, " "), ")");
    }
    text = std::to_string(found->second);
    return "";
  };
  CLI::Option* option = app_->add_option_function<int>(names, set, help);
  option->transform(CLI::Validator(to_number, ""))->type_name(join(known, "|"));
  return Option(*option);
}

void Command::refuse(const std::string& names, const std::string& message) const {
  const auto fail = [message](const std::string&) { throw UsageError(message); };
  app_->add_option_function<std::string>(names, fail)->group("")->expected(0, 1);
}

void Command::positionals_at_end() const { app_->positionals_at_end(); }
void Command::footer(const std::string& text) const { app_->footer(text); }
void Command::run(const std::function<void()>& callback) const { app_->callback(callback); }
bool Command::given(const std::string& option) const { return app_->count(option) > 0; }

void throw_missing(const std::string& argument) { throw CLI::RequiredError(argument); }

}  // namespace strata::tools
