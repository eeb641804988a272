#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace strata {

/// Factories (pointers to functions) by name. Files of one kind, such as schemes, add themselves before main().
template <class Factory>
class Registry {
 public:
  /// kind: of what is registered, for errors.
  explicit Registry(std::string kind) : kind_(std::move(kind)) {}

  /// Throws std::logic_error for a name that is there already. Gives true, so that a constant can hold the call.
  bool add(const std::string& name, Factory factory) {
    if (!factories_.emplace(name, factory).second) throw std::logic_error(kind_ + " registered twice: " + name);
    return true;
  }

  /// Sorted.
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [name, factory] : factories_) names.push_back(name);
    return names;
  }

  /// nullptr for an unknown name.
  Factory find(const std::string& name) const {
    const auto found = factories_.find(name);
    return found == factories_.end() ? nullptr : found->second;
  }

 private:
  std::string kind_;
  std::map<std::string, Factory> factories_;
};

}  // namespace strata
