#pragma once

#include <cstdlib>
#include <map>
#include <optional>
#include <string>

namespace strata::test {

/// Environment variables of this process, put back at the end of its life.
class Environment {
 public:
  Environment() = default;
  ~Environment() {
    for (const auto& [name, value] : before_) put(name, value);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  void set(const std::string& name, const std::string& value) { change(name, value); }
  void unset(const std::string& name) { change(name, std::nullopt); }

 private:
  using Value = std::optional<std::string>;

  void change(const std::string& name, const Value& value) {
    const char* before = std::getenv(name.c_str());
    before_.try_emplace(name, before == nullptr ? Value() : Value(before));
    put(name, value);
  }

  static void put(const std::string& name, const Value& value) {
    value.has_value() ? setenv(name.c_str(), value->c_str(), 1) : unsetenv(name.c_str());
  }

  std::map<std::string, Value> before_;
};

}  // namespace strata::test
