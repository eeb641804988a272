#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "strata/config/key_error.h"
#include "strata/config/run_config.h"

namespace strata::config {

/// Where each key was given.
class Origins {
 public:
  /// file: stands for keys that were not given at all.
  explicit Origins(std::string file) : file_(std::move(file)) {}

  void add(std::string key, std::string place) { places_[std::move(key)] = std::move(place); }

  bool given(const std::string& key) const { return places_.contains(key); }

  /// "configs/x.yaml:12" or `override "a.b=1"`; of a key that was not given: its section's place, or the file.
  std::string place_of(const std::string& key) const;

  /// The same complaint with the place before it, ready to be thrown.
  UsageError locate(const KeyError& error) const;

 private:
  std::string file_;
  std::map<std::string, std::string> places_;
};

struct Loaded {
  RunConfig config;
  Origins origins;
};

/// Reads a YAML file over what its `base:` names, then applies overrides `key.path=value` in their order.
///
/// `base:` is a file or a list of files, relative to the file that names it; later files win. Maps merge, everything
/// else replaces; a key without a value leaves a map as it was. Keys that nobody gives keep their defaults.
/// `lisa: none` takes away what bases gave to that section.
/// Throws UsageError, one line that starts with the file and line or with the override: unreadable file, bad YAML,
/// `base:` that leads back to itself, unknown or repeated key, wrong type, value out of range, RunConfig::validate.
/// complete: sets, before the last of these, what follows from other keys; it may throw KeyError.
Loaded load(const std::filesystem::path& file, const std::vector<std::string>& overrides = {},
            const std::function<void(Loaded&)>& complete = {});

}  // namespace strata::config
