#pragma once

#include <string>
#include <utility>

#include "strata/base/check.h"

namespace strata::config {

/// A config value that cannot be used, found where its file and line are no longer known: Origins::locate adds them.
class KeyError : public UsageError {
 public:
  /// key: "norm.scheme"; message: names the value and what would do instead.
  KeyError(std::string key, std::string message)
      : UsageError(key + ": " + message), key_(std::move(key)), message_(std::move(message)) {}

  const std::string& key() const { return key_; }
  const std::string& message() const { return message_; }

 private:
  std::string key_;
  std::string message_;
};

}  // namespace strata::config
