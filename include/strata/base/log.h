#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace strata::log {

/// Messages for people, on stderr and in the log file when there is one. Results go to stdout without this.
/// Safe to call from several threads.
void info(std::string_view message);
void warn(std::string_view message);
void error(std::string_view message);

/// Also appends everything to this file from now on. Throws Error if it cannot be opened.
void also_to_file(const std::filesystem::path& path);

/// Begins warnings and errors with this from now on: which of several workers they come from.
void speak_as(const std::string& speaker);

/// Only warnings and errors from now on (ranks other than 0).
void quiet();

}  // namespace strata::log
